"""Every rule, one list. Each has a page under docs/rules/ and a test that raises it; a test ties the three."""

from migrate.diagnostics import Rule, Severity

_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO


def _rule(code: str, name: str, severity: Severity, summary: str) -> Rule:
    return Rule(code=code, name=name, severity=severity, summary=summary)


# 1xx reading
SCRIPT_UNREADABLE = _rule(
    "MS101", "script-unreadable", _E, "the script is not valid shell, or a part of it can't be read"
)
SCRIPT_TOO_LARGE = _rule("MS102", "script-too-large", _E, "the script is larger than what is read")
DOCKERFILE_UNREADABLE = _rule("MS111", "dockerfile-unreadable", _E, "the Dockerfile does not parse")
DOCKERFILE_MISSING = _rule("MS112", "dockerfile-missing", _E, "the build names a Dockerfile that is not there")
IGNORE_FILE_UNREADABLE = _rule("MS113", "ignore-file-unreadable", _E, "a pattern of the ignore file is not valid")
FILE_UNREADABLE = _rule("MS114", "file-unreadable", _E, "the file can't be read as text")
DRIVER_NOT_READ = _rule("MS122", "driver-not-read", _E, "a driver of this kind is not read")
SEVERAL_DRIVERS = _rule("MS121", "several-drivers", _E, "several files could drive the build")

# 2xx tracing
CONSTRUCT_NOT_TRACED = _rule("MS201", "construct-not-traced", _E, "what this shell construct does is not traced")
DOCKER_OPTION_UNKNOWN = _rule("MS202", "docker-option-unknown", _E, "an option of a docker command is not known")
DOCKER_COMMAND_NOT_TRACED = _rule(
    "MS203", "docker-command-not-traced", _E, "what this docker command does is not traced"
)
VALUE_UNKNOWN = _rule("MS204", "value-unknown", _E, "a value that decides the migration is not known")
COMMAND_TOUCHES_ARTIFACT = _rule(
    "MS205", "command-touches-artifact", _E, "a command may change the artifact on its way"
)
SCRIPT_TOO_LONG = _rule("MS207", "script-too-long", _E, "the script runs on longer than is followed")
STARTED_WITHOUT_ARGUMENTS = _rule(
    "MS208", "started-without-arguments", _W, "what the script does depends on its arguments, and none are given"
)
STARTED_WITHOUT_ENVIRONMENT = _rule(
    "MS209", "started-without-environment", _W, "what is built depends on the environment, and nothing is known of it"
)
HOST_OUTSIDE = _rule("MS206", "path-outside-repository", _E, "a path leads out of the repository")

# 3xx provenance
ARTIFACT_MIXED = _rule("MS301", "artifact-mixed", _E, "a COPY takes artifacts together with other files")
ARTIFACT_UNUSED = _rule("MS302", "artifact-unused", _E, "a file is extracted that no image holds")
CONTAINER_UNKNOWN = _rule("MS303", "container-unknown", _E, "the container of an extraction was not made by the script")
DIFFERENT_CONTEXTS = _rule("MS304", "different-contexts", _E, "the two builds use different build contexts")
COPY_PATH_UNKNOWN = _rule("MS306", "copy-path-unknown", _E, "a COPY path depends on a variable that is not known")
ARTIFACT_MISSED = _rule(
    "MS307", "artifact-not-in-context", _E, "the artifact is hidden from the build by the ignore file"
)

# 4xx planning
BUILD_ARG_CONFLICT = _rule("MS401", "build-arg-conflict", _E, "a build argument would reach the other stage")
PROXY_ARGUMENT_SHARED = _rule(
    "MS402", "proxy-argument-shared", _W, "a proxy build argument reaches the runtime stage too"
)
KIND_ASSUMED = _rule("MS403", "kind-assumed", _W, "whether an artifact is a file or a directory is assumed")
DIRECTIVES_DIFFER = _rule("MS404", "directives-differ", _E, "the two Dockerfiles have different parser directives")
OPTION_MERGED = _rule("MS406", "option-merged", _W, "an option of the builder's build now holds for both stages")
OPTION_CONFLICT = _rule("MS407", "option-conflict", _E, "the two builds have options that can't be joined")
BUILDER_IMAGE_USED = _rule("MS408", "builder-image-used", _E, "the builder image is used beyond the extraction")
SHAPE_NOT_PLANNED = _rule("MS409", "shape-not-planned", _E, "this arrangement of builders and runtimes is not planned")
DRIVER_EDIT_UNCERTAIN = _rule("MS410", "driver-edit-uncertain", _E, "the driver can't be edited with certainty")
COMMANDS_BETWEEN = _rule(
    "MS411", "commands-between-builds", _E, "a command between the two builds changes files that the builder may read"
)
HOST_ARTIFACT_GONE = _rule(
    "MS413", "host-artifact-gone", _W, "the script left the artifact on the host and no longer does"
)
ADD_ASSUMED_PLAIN = _rule("MS414", "add-assumed-plain", _W, "an ADD of an artifact is assumed not to unpack it")
MESSAGE_DROPPED = _rule("MS415", "message-dropped", _I, "a message about the builder's image goes with its build")
ARTIFACT_NAME_SPECIAL = _rule(
    "MS416", "artifact-name-special", _E, "the artifact's path holds characters that COPY would interpret"
)
ADD_UNPACKS = _rule("MS417", "add-unpacks", _E, "an ADD unpacks the artifact, which COPY --from does not")
ARTIFACT_IS_LINK = _rule("MS418", "artifact-is-link", _E, "the artifact is a symbolic link")
CACHE_OPTION_SHARED = _rule("MS419", "cache-option-shared", _I, "an option about the cache now holds for both stages")
CHANGED_FILE_COPIED = _rule(
    "MS420", "changed-file-copied", _W, "a COPY takes a file that the migration changes, so the image holds the new one"
)
REMOVED_FILE_COPIED = _rule("MS421", "removed-file-copied", _E, "a COPY names a file that the migration would remove")
COMMAND_ASSUMED_APART = _rule(
    "MS422", "command-assumed-apart", _W, "a command that is not traced is assumed to leave the build's files alone"
)

OTHER_TARGET_NEEDS = _rule(
    "MS447", "other-target-needs", _W, "another target or script needs what the migration takes away"
)

UNREAD_DRIVER_LEFT = _rule("MS448", "unread-driver-left", _W, "a driver that is not read builds the old way still")

RUNS_CONDITIONALLY = _rule(
    "MS423", "runs-conditionally", _E, "the extraction and the runtime's build do not always run together"
)
CLIENT_NOT_PLAIN = _rule("MS424", "client-not-plain", _E, "docker is called in a way that verifying can't stand in for")

BASE_COMMAND_ASSUMED = _rule(
    "MS425", "base-command-assumed", _W, "what a base image runs of itself is not known, and assumed to matter not"
)
NO_PLACE_IN_BUILD = _rule("MS426", "no-place-in-a-build", _E, "the container does what no build can do")
CACHE_MOUNT_DROPPED = _rule("MS427", "cache-mount-dropped", _W, "a mount that is taken for a cache is left out")
HOST_COMMAND_IN_STAGE = _rule(
    "MS428",
    "host-command-in-stage",
    _W,
    "what the host did to the artifact is done in a stage, by the image's programs",
)
SECRET_ARGUMENT = _rule("MS429", "secret-in-build-argument", _W, "a build argument looks like a secret")
EXTRACTED_WHEN_MISSING = _rule(
    "MS430",
    "extracted-when-missing",
    _W,
    "the script extracts only where files are missing; the build always makes them",
)
IGNORE_BELOW_ARTIFACT = _rule(
    "MS431", "ignore-below-artifact", _W, "an ignore pattern could hide a part of an artifact, and is taken not to"
)
ARGUMENT_RENAMED = _rule("MS432", "argument-renamed", _I, "a build argument of the builder has another name now")
STREAM_OWNERS = _rule(
    "MS433", "stream-owners", _W, "who owns the files of a streamed build context depends on the builder"
)
IGNORE_FILE_MERGED = _rule("MS434", "ignore-file-merged", _I, "the ignore files of several build contexts become one")
CONTEXT_WIDENED = _rule("MS435", "context-widened", _I, "the build context is now a folder that serves all stages")

MOUNT_PARTLY_HIDDEN = _rule(
    "MS436", "mount-partly-hidden", _W, "a container saw files of a mounted folder that the build doesn't"
)

ARGUMENT_ASSUMED = _rule(
    "MS437", "argument-assumed", _W, "an ARG in a COPY path is assumed not to be an ENV of the base image"
)
STREAMED_DOCKERFILE_ASSUMED = _rule(
    "MS438", "streamed-dockerfile-assumed", _W, "which file is the Dockerfile of a streamed build context is assumed"
)

BUILDER_FILE_KEPT = _rule(
    "MS439", "builder-file-kept", _W, "a builder's Dockerfile, or its service, stays, since something else asks for it"
)

ENGINE_NEEDED = _rule(
    "MS440", "engine-needed", _E, "what this comes to depends on the builder, so it must be built to be known"
)
FOLDER_MODE_ASSUMED = _rule(
    "MS443", "folder-mode-assumed", _W, "a folder that lay in the copied one is assumed to have the mode 755"
)
FOLDER_MODE_LOST = _rule("MS444", "folder-mode-lost", _E, "a folder that lay in the copied one would lose its mode")
MOUNT_ASSUMED_EMPTY = _rule(
    "MS449", "mount-assumed-empty", _W, "an image is assumed to have nothing where a folder was mounted over it"
)
LINK_ASSUMED_ABSENT = _rule("MS445", "link-assumed-absent", _W, "an artifact is assumed not to be a symbolic link")
DETACHED_ASSUMED_IDLE = _rule(
    "MS446",
    "detached-assumed-idle",
    _W,
    "a container in the background that nobody waits for is assumed to make nothing",
)
UNPACKED_IN_STAGE = _rule(
    "MS442", "unpacked-in-stage", _W, "a tar of unknown contents is unpacked in a stage, by the image's own program"
)

CONTAINER_RUN_IN_BUILD = _rule(
    "MS450",
    "container-run-in-build",
    _W,
    "what a container did is done while the image is built, and taken to do the same",
)
ARGUMENT_HANDED_ON = _rule(
    "MS451", "argument-handed-on", _W, "a command sees a build argument of the stage below, which its container didn't"
)
CONTEXT_FILE_CHANGED = _rule(
    "MS452", "context-file-changed", _I, "a stage's build context holds a file that the migration changes"
)
NOT_PROVED = _rule("MS453", "not-proved", _W, "the two versions are not proved to make the same images")

REFERENCE_LEFT = _rule("MS454", "reference-left", _I, "a file names what the migration takes away")
REFERENCE_MENDED = _rule(
    "MS455", "reference-mended", _I, "a file named what the migration takes away, and names what stands for it"
)
IGNORE_ENTRY_IDLE = _rule(
    "MS456", "ignore-entry-idle", _I, "an entry of an ignore file is for what no longer comes to be"
)

# 46x one stage to two
SINGLE_UNFIT = _rule(
    "MS461", "single-unfit", _E, "there is no one-stage Dockerfile of which a program could be taken out"
)
SINGLE_NO_PROGRAM = _rule(
    "MS462", "single-no-program", _E, "which program the image runs, and that it is one, is not sure"
)
SINGLE_NOT_ALONE = _rule("MS463", "single-not-alone", _E, "the program needs something that can't be found for certain")
SINGLE_COPIED = _rule("MS464", "single-copied", _I, "what of the image the new one takes over")
SINGLE_LEFT_OUT = _rule("MS465", "single-left-out", _W, "what of the image the new one doesn't have")
SINGLE_UNSMOKED = _rule("MS466", "single-unsmoked", _E, "no `--smoke` says what both images are to do alike")

# 47x beyond the trio
NOT_SPLIT = _rule("MS471", "not-split", _I, "a builder with several compiles is not divided into stages")
COMPILES_APART = _rule(
    "MS472", "compiles-apart", _W, "a compiler is taken neither to read nor to change what another one made"
)
NOT_NAMED = _rule("MS474", "not-named", _I, "the stages of a Dockerfile beside a legacy build get no names")
NOT_BAKED = _rule("MS473", "not-baked", _I, "no bake file is written")

# 5xx verifying
LEGACY_BUILD_FAILS = _rule("MS501", "legacy-build-fails", _E, "the legacy build does not run")
MIGRATED_BUILD_FAILS = _rule("MS502", "migrated-build-fails", _E, "the migrated build does not run")
IMAGES_DIFFER = _rule("MS503", "images-differ", _E, "the legacy and the migrated image differ")
IMAGE_MISSING = _rule("MS504", "image-missing", _E, "one side did not make an image that the other made")
COMMAND_NOT_ALLOWED = _rule("MS505", "command-not-allowed", _E, "a docker command is not carried out while verifying")
SMOKE_DIFFERS = _rule("MS506", "smoke-differs", _E, "a command does not do the same in both images")
RUN_NOT_AS_READ = _rule("MS507", "run-not-as-read", _W, "the legacy script did not run what it was read to run")
ARTIFACT_EMPTY = _rule("MS508", "artifact-empty", _W, "an artifact is an empty file or folder")
ARTIFACT_MISSING = _rule("MS509", "artifact-missing", _E, "a COPY of the new Dockerfile finds no artifact")

# 6xx applying
FILE_CHANGED = _rule("MS601", "file-changed", _E, "a file changed between reading and writing")
WRITE_FAILED = _rule("MS602", "write-failed", _E, "the migration could not be written")
UNCOMMITTED = _rule("MS603", "uncommitted", _E, "a file that would be written has changes that are not committed")

ALL: tuple[Rule, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
