"""`sagewright delivery …`: the steps between a push and an endpoint, the same wherever they are driven from.

Programs call them, in CodeBuild or in another system's jobs, so they never ask, act with the credentials that they
find, and can all be repeated: a build that was killed in the middle is simply run again.
"""
