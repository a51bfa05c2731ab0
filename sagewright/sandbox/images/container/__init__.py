"""Why: a job's process must start in milliseconds and see what the image holds, not what the sandbox has loaded.

`python -m container` (with the folder above as the working directory, so that nothing of the sandbox is imported)
loads the image's heavy packages once and forks a process per container. It talks to the sandbox in lines of JSON over
an inherited socket: requests {"do": "start" | "signal", "id", …}, reports {"id", "pid", "port"} and {"id", "exit"}.
"""
