"""Every way a run can fail, one class a cause; each class owns its exit code and its remedy.

    RecognizeError (1)
    ├── UserError (2)         ConfigError · RulesError · LockFileError
    │                         UnknownPerson · UnknownFace · NameTaken · NoThreshold
    │                         UnknownTarget
    ├── SourceError (4)       SourceNotFound · SourceUnreachable · TagsSwitchedOff
    ├── LoginError (5)        NoPassword · PasswordUnusable · LoginRefused · LoginNeeded · LoginTimeout
    │                         UnknownLogin
    ├── ModelError (6)        ModelMissing · HashMismatch · FetchFailed · ConversionFailed
    ├── EngineError (7)       NoUsableEngine · GpuUnusable
    ├── CatalogueError (8)    CatalogueUnusable · CatalogueTooNew
    ├── OutputError (1)
    ├── SandboxError (1)
    └── Locked (11)

A file that cannot be read is no error of the run: decoders raise `FileFailure`, which becomes
a `Skipped` record. Exit codes that no exception carries are named in `ExitCode`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from recognize_cli.records import Reason


class ExitCode(IntEnum):
    """What the process tells its caller."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    SOME_FAILED = 3
    SOURCE = 4
    LOGIN = 5
    MODEL = 6
    ENGINE = 7
    CATALOGUE = 8
    TIME_LIMIT = 10
    LOCKED = 11
    INTERRUPTED = 130
    TERMINATED = 143


_SEVERITY = (
    ExitCode.DONE,
    ExitCode.SOME_FAILED,
    ExitCode.TIME_LIMIT,
    ExitCode.INTERRUPTED,
    ExitCode.TERMINATED,
    ExitCode.SOURCE,
    ExitCode.LOGIN,
    ExitCode.ENGINE,
    ExitCode.MODEL,
    ExitCode.LOCKED,
    ExitCode.CATALOGUE,
    ExitCode.USAGE,
    ExitCode.UNEXPECTED,
)


def severest(*codes: ExitCode) -> ExitCode:
    """The code that a run with all these outcomes ends with; `ExitCode.DONE` for none."""
    return max(codes, key=_SEVERITY.index, default=ExitCode.DONE)


class RecognizeError(Exception):
    """Base of all expected failures. Subclasses set a message template and an exit code.

    The template is filled from keyword arguments, which stay readable as `details`.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.UNEXPECTED
    template: ClassVar[str] = "{message}"

    def __init__(self, **details: object) -> None:
        self.details = details
        super().__init__(self.template.format(**details))


class UserError(RecognizeError):
    """What the user gave cannot be used."""

    exit_code = ExitCode.USAGE


class ConfigError(UserError):
    """A config file, variable or option is wrong."""

    template = "{where}: {problem}"


class RulesError(UserError):
    """A rules file is wrong; `where` is ``FILE`` or ``FILE:LINE``."""

    template = "{where}: {problem}"


class LockFileError(UserError):
    """A models.lock cannot be used."""

    template = "{path}: {problem}"


class UnknownPerson(UserError):
    """No person has this name or id."""

    template = "nobody has the name or id {person!r}{near}; `recognize faces list` shows all people"


class UnknownFace(UserError):
    """No face has this id."""

    template = "there is no face {face}; `recognize faces show PERSON` lists the faces of a person"


class NameTaken(UserError):
    """Two people cannot have the same name."""

    template = (
        "the name {name!r} is that of person {owner}; to make one person of both:"
        " `recognize faces merge {owner} {person}`"
    )


class UnknownTarget(UserError):
    """No tags are pushed to an address, or to more than one account there."""

    template = "no tags were pushed to {address!r}, or to several accounts there; known are: {known}"


class NoThreshold(UserError):
    """It is not known which distance between faces is near."""

    template = (
        "models.lock does not know the model {model} of these faces; scan them again with one that it knows,"
        " or say what is near with --threshold X"
    )


class SourceError(RecognizeError):
    """A tree cannot be read."""

    exit_code = ExitCode.SOURCE


class SourceNotFound(SourceError):
    """The root of a tree does not exist or cannot be listed."""

    template = "cannot read {source}: {problem}"


class SourceUnreachable(SourceError):
    """A server cannot be talked to; `problem` names the remedy."""

    template = "cannot reach {source}: {problem}"


class TagsSwitchedOff(SourceError):
    """A Nextcloud has no system tags."""

    template = (
        "{server} has no tags that all its users see; ask its administrator to switch on the app"
        " 'Collaborative tags'"
    )


class LoginError(RecognizeError):
    """An account on a server cannot be used."""

    exit_code = ExitCode.LOGIN


class NoPassword(LoginError):
    """Nobody gave a password."""

    template = (
        "there is no password for {account}; `recognize login` stores one, or set RECOGNIZE_PASSWORD_FILE,"
        " RECOGNIZE_PASSWORD_COMMAND or RECOGNIZE_PASSWORD"
    )


class LoginTimeout(LoginError):
    """Nobody granted a login in time."""

    template = "nobody allowed the login at {server} within {minutes} minutes; run the command again"


class UnknownLogin(LoginError):
    """No login is stored for an account."""

    template = "no login is stored for {account}, or more than one; `recognize login list` shows all"


class PasswordUnusable(LoginError):
    """A password cannot be read from where it should be, or not be stored."""

    template = "{where}: {problem}"


class LoginRefused(LoginError):
    """A server does not take a login. It is not asked twice: servers lock out who guesses."""

    template = (
        "{server} refuses the login of {user}; store the right password with `recognize login`, or check what"
        " RECOGNIZE_PASSWORD_FILE, RECOGNIZE_PASSWORD_COMMAND or RECOGNIZE_PASSWORD gives (where two factors"
        " are asked for: an app password)"
    )


class LoginNeeded(LoginRefused):
    """A server lets nobody in without a login, and there is none: the address names no user."""

    template = (
        "{server} asks for a login, and the address names no user; store one with"
        " `recognize login webdav {url}`, or name the user in the address, user@host, and set"
        " RECOGNIZE_PASSWORD_FILE, RECOGNIZE_PASSWORD_COMMAND or RECOGNIZE_PASSWORD"
    )


class ModelError(RecognizeError):
    """A model cannot be used."""

    exit_code = ExitCode.MODEL


class ModelMissing(ModelError):
    """A model is not installed and may not be fetched now."""

    template = (
        "the model {name} is not installed; fetch it with `recognize models fetch {name}`, or on a"
        " machine without a network with `recognize models fetch --from DIR {name}`"
    )


class HashMismatch(ModelError):
    """The bytes of a file are not those that models.lock names."""

    template = (
        "{path} is not the file that models.lock names: expected {expected}, found {found};"
        " delete it and run `recognize models fetch {name}` again"
    )


class FetchFailed(ModelError):
    """No source gave a model file."""

    template = "cannot fetch {name}: {problem}"


class ConversionFailed(ModelError):
    """A model file has the right bytes, and yet cannot be converted."""

    template = "cannot convert {name}: {problem}"


class EngineError(RecognizeError):
    """A model runtime failed."""

    exit_code = ExitCode.ENGINE
    template = "{engine}: {problem}"


class NoUsableEngine(EngineError):
    """This machine can run no model for a recognizer."""

    template = "no engine can run {recognizer} here: {problem}; see `recognize doctor`"


class GpuUnusable(EngineError):
    """Models cannot run on the GPU that was asked for."""

    template = (
        "models cannot run on the NVIDIA GPU {gpu}: {problem}; see `recognize doctor` and 'NVIDIA GPUs' in"
        " docs/models.md, or do without it (--device cpu)"
    )


class CatalogueError(RecognizeError):
    """The catalogue cannot be used."""

    exit_code = ExitCode.CATALOGUE


class CatalogueUnusable(CatalogueError):
    """The catalogue cannot be opened, read or written."""

    template = (
        "the catalogue {path} cannot be used: {problem}; name another with --catalogue FILE,"
        " or run without one with --no-catalogue"
    )


class CatalogueTooNew(CatalogueError):
    """The catalogue was written by a newer version of this program."""

    template = (
        "the catalogue {path} was written by a newer recognize (it has the change {migration!r});"
        " upgrade recognize, or name another catalogue with --catalogue FILE"
    )


class OutputError(RecognizeError):
    """Results cannot be written."""

    template = "cannot write {where}: {problem}"


class SandboxError(RecognizeError):
    """Media cannot be decoded at all here: no decode worker starts."""

    template = (
        "cannot start a decode worker: {problem}; check this account's limits on processes and memory"
        " (`ulimit -a`), and that Pillow, PyAV and soxr can be imported (`python -c 'import PIL, av, soxr'`)"
    )


class Locked(RecognizeError):
    """Another run holds the lock."""

    exit_code = ExitCode.LOCKED
    template = "{path} is in use by another run{holder}; wait for it with --wait"


class FileFailure(Exception):
    """One file cannot be read; `reason` says why in a word, the message in a sentence."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message


class TagRefused(Exception):
    """A server does not let this account give a tag to any file, or take it off; the message says why."""


class FileRefused(Exception):
    """A server does not let this account change the tags of a file; the message says why."""
