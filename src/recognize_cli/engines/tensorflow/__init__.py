"""TensorFlow, for models that exist only as SavedModels: `session` starts a process, `worker` runs in it."""
