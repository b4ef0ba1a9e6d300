"""Names for buckets: those of one server are one space over all accounts, and tests share servers."""

import itertools
import os

_names = itertools.count()


def new_name():
    return f"bucket-{os.getpid()}-{next(_names)}"


def new_bucket(s3, **options):
    name = new_name()
    s3.create_bucket(Bucket=name, **options)
    return name
