"""Phase 3: where every artifact of an image comes from. Input: a Trace and the Dockerfiles; output: for each COPY that takes
one, the place in an image or in a stage yet to be written."""
