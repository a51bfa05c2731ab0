"""Why: no container runtime is needed, because the sandbox stands in for the managed images that it knows by address.

`catalogue` says which those are, `containers` starts processes as if they were containers of one, `container/` is the
warm process behind it, and a folder per image holds what that image's own programs do.
"""
