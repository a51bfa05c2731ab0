"""What acts on a deployed project through AWS's APIs: start a training, decide on a version, release it.

Each takes its boto3 clients as arguments, so that the command line calls it today and a function in the account can
call it unchanged. Imports are the standard library, boto3 and botocore: what every Python function in AWS has.
"""
