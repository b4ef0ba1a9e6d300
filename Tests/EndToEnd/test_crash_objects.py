"""Objects under kill -9: what was acknowledged is there and whole, nothing is half there, and what nobody names is removed."""

import hashlib
import itertools
import pathlib
import random
import threading

import botocore.exceptions

from harness import wait_until

KILLS = 5
WRITERS = 4
DEAD_SERVER = (botocore.exceptions.BotoCoreError, OSError)
SIZES = [100, 10_000, 40_000, 300_000, 2_000_000]


def body_of(key):
    """The content says what it belongs to, so that any other is seen."""
    size = SIZES[int(hashlib.md5(key.encode()).hexdigest(), 16) % len(SIZES)]
    return random.Random(key).randbytes(size)


class Writer:
    def __init__(self, cloud, name, stop):
        self.s3, self.name, self.stop = cloud.client("s3"), name, stop
        self.acknowledged, self.errors = set(), []
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        for number in itertools.count():
            if self.stop.is_set():
                return
            key = f"{self.name}/{number}"
            try:
                if number % 7 == 6:
                    self._in_parts(key)
                else:
                    self.s3.put_object(Bucket="crash", Key=key, Body=body_of(key))
                self.acknowledged.add(key)
            except botocore.exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                    self.errors.append(str(error))
                    return
            except DEAD_SERVER:
                self.stop.wait(0.05)

    def _in_parts(self, key):
        place = {"Bucket": "crash", "Key": key}
        upload = self.s3.create_multipart_upload(**place)["UploadId"]
        part = self.s3.upload_part(**place, UploadId=upload, PartNumber=1, Body=body_of(key))
        self.s3.complete_multipart_upload(
            **place, UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumCRC32": part["ChecksumCRC32"]}]})


def test_acknowledged_objects_survive(own_cloud):
    s3 = own_cloud.client("s3")
    s3.create_bucket(Bucket="crash")
    stop = threading.Event()
    writers = [Writer(own_cloud, f"w{number}", stop) for number in range(WRITERS)]
    for writer in writers:
        writer.thread.start()
    moments = random.Random(5)
    for _ in range(KILLS):
        seen = sum(len(writer.acknowledged) for writer in writers)
        wait_until(lambda: sum(len(writer.acknowledged) for writer in writers) >= seen + moments.randint(15, 40), "objects are put", limit=60)
        own_cloud.restart(kill=True)
    stop.set()
    for writer in writers:
        writer.thread.join()
        assert writer.errors == []
    own_cloud.restart(kill=True)
    acknowledged = set().union(*(writer.acknowledged for writer in writers))
    listed = [item for page in s3.get_paginator("list_objects_v2").paginate(Bucket="crash") for item in page.get("Contents", [])]
    assert acknowledged <= {item["Key"] for item in listed}
    for item in listed:
        # Not acknowledged and there is fine, as long as it is whole.
        assert s3.get_object(Bucket="crash", Key=item["Key"])["Body"].read() == body_of(item["Key"])
    for upload in s3.list_multipart_uploads(Bucket="crash").get("Uploads", []):
        s3.abort_multipart_upload(Bucket="crash", Key=upload["Key"], UploadId=upload["UploadId"])
    large = sum(1 for item in listed if item["Size"] > 16 << 10 or item["ETag"].endswith('-1"'))
    folder = pathlib.Path(own_cloud.server.data) / "objects"
    wait_until(lambda: sum(1 for file in folder.glob("*/*")) == large, "orphans are removed")
    for item in listed:
        s3.delete_object(Bucket="crash", Key=item["Key"])
    wait_until(lambda: not any(folder.glob("*/*")), "nothing is left of deleted objects")
