"""Model files: which bytes may run (lockfile), where they live (store), how they get there (fetch).

    models.lock ──load_lock──▶ ModelEntry ──ensure──▶ InstalledModel (verified ONNX files)
                                  │
                                  └─ origins (pypi, npm, git, url, a directory) ─▶ verified files ─▶ convert

Start reading at `fetch.ensure`. Nothing in here runs a model.
"""
