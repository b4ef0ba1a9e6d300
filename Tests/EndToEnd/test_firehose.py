"""Firehose brings records to a bucket: buffers on the clock, transformation, streams as a source, and what is refused."""

import base64
import gzip
import http.server
import json
import threading

from harness import wait_until
from lambdas import LOGS, deploy, make_role, policy
from test_kinesis import make_stream, put, stream_arn

TRUST = policy({"Effect": "Allow", "Principal": {"Service": ["firehose.amazonaws.com", "lambda.amazonaws.com"]}, "Action": "sts:AssumeRole"})
ALL = {"Effect": "Allow", "Action": ["s3:*", "kinesis:*", "lambda:InvokeFunction"], "Resource": "*"}


def lake(cloud):
    """Names of buckets are those of all accounts."""
    return f"lake-{cloud.account}"


def make(cloud, name="orders", seconds=60, size=1, kind="DirectPut", source=None, **more):
    """A delivery stream into the bucket of the account. Returns its client."""
    cloud.client("s3").create_bucket(Bucket=lake(cloud))
    role = make_role(cloud, "firehose", LOGS, ALL, trust=TRUST)
    firehose = cloud.client("firehose")
    firehose.create_delivery_stream(
        DeliveryStreamName=name, DeliveryStreamType=kind, ExtendedS3DestinationConfiguration={
            "RoleARN": role, "BucketARN": f"arn:aws:s3:::{lake(cloud)}", "BufferingHints": {"SizeInMBs": size, "IntervalInSeconds": seconds}} | more,
        **({"KinesisStreamSourceConfiguration": {"KinesisStreamARN": source, "RoleARN": role}} if source else {}))
    wait_until(lambda: firehose.describe_delivery_stream(
        DeliveryStreamName=name)["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE", "the delivery stream")
    return firehose


def objects(cloud, prefix=""):
    """[(key, bytes)] of the bucket."""
    s3 = cloud.client("s3")
    found = s3.list_objects_v2(Bucket=lake(cloud), Prefix=prefix).get("Contents", [])
    return [(item["Key"], s3.get_object(Bucket=lake(cloud), Key=item["Key"])["Body"].read()) for item in found]


def send(firehose, *texts, name="orders"):
    answer = firehose.put_record_batch(DeliveryStreamName=name, Records=[{"Data": text.encode()} for text in texts])
    assert answer["FailedPutCount"] == 0 and len(answer["RequestResponses"]) == len(texts)


def test_records_come_to_the_bucket_when_time_is_over_also_after_a_kill(own_cloud):
    own_cloud.clock.freeze()
    firehose = make(own_cloud, Prefix="raw/!{timestamp:yyyy}/", ErrorOutputPrefix="bad/")
    send(firehose, "a\n", "b\n")
    firehose.put_record(DeliveryStreamName="orders", Record={"Data": b"c\n"})
    assert objects(own_cloud) == []
    own_cloud.restart(kill=True)
    own_cloud.clock.advance("61s")
    found = wait_until(lambda: objects(own_cloud, "raw/"), "the object")
    assert [body for _, body in found] == [b"a\nb\nc\n"]


def test_a_full_buffer_goes_at_once_and_is_compressed(cloud):
    firehose = make(cloud, seconds=900, CompressionFormat="GZIP")
    send(firehose, *["x" * 300_000] * 4)
    (key, body), *_ = wait_until(lambda: objects(cloud), "the object")
    assert key.endswith(".gz") and gzip.decompress(body) == b"x" * 900_000


def test_a_function_transforms_records(cloud):
    function = deploy(cloud, """
        import base64
        def handler(event, context):
            def change(record):
                text = base64.b64decode(record["data"]).decode()
                result = {"drop": "Dropped", "bad": "ProcessingFailed"}.get(text, "Ok")
                return {"recordId": record["recordId"], "result": result, "data": base64.b64encode(text.upper().encode()).decode()}
            return {"records": [change(record) for record in event["records"]]}
        """)
    firehose = make(cloud, seconds=0, ProcessingConfiguration={"Enabled": True, "Processors": [
        {"Type": "Lambda", "Parameters": [{"ParameterName": "LambdaArn", "ParameterValue": function.arn}]}]})
    send(firehose, "one ", "drop", "bad", "two")
    failed = wait_until(lambda: objects(cloud, "processing-failed/"), "the errors", limit=60)
    assert json.loads(failed[0][1])["rawData"] == "YmFk"
    assert [body for key, body in objects(cloud) if not key.startswith("processing-failed/")] == [b"ONE TWO"]


def test_a_stream_is_a_source(cloud):
    kinesis = make_stream(cloud)
    put(kinesis, "old")
    make(cloud, seconds=0, kind="KinesisStreamAsSource", source=stream_arn(cloud))
    # It reads from the end of the stream on, which it notes when it is active.
    wait_until(lambda: put(kinesis, "new") and objects(cloud), "an object", limit=60)
    assert set(b"".join(body for _, body in objects(cloud)).decode().replace("new", "n")) == {"n"}


def test_the_bucket_must_let_the_role_write(own_cloud):
    own_cloud.clock.freeze()
    firehose = make(own_cloud, seconds=0)
    own_cloud.client("iam").put_role_policy(RoleName="firehose", PolicyName="deny", PolicyDocument=policy(
        {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}))
    send(firehose, "a")
    wait_until(lambda: "a delivery failed" in own_cloud.server.log(0), "the log says why")
    assert objects(own_cloud) == []
    own_cloud.client("iam").delete_role_policy(RoleName="firehose", PolicyName="deny")
    own_cloud.clock.advance("5m")
    assert wait_until(lambda: objects(own_cloud), "the object")[0][1] == b"a"


class Endpoint(http.server.BaseHTTPRequestHandler):
    """Takes batches, as long as it is willing."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.batches.append((dict(self.headers), body))
        answer = json.dumps({"requestId": body["requestId"], "timestamp": 1}).encode()
        self.send_response(200 if self.server.is_willing else 500)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def test_a_web_server_gets_batches_and_the_bucket_what_it_does_not_take(own_cloud):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.batches, server.is_willing = [], True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    own_cloud.client("s3").create_bucket(Bucket=lake(own_cloud))
    role = make_role(own_cloud, "firehose", LOGS, ALL, trust=TRUST)
    firehose = own_cloud.client("firehose")
    firehose.create_delivery_stream(DeliveryStreamName="orders", HttpEndpointDestinationConfiguration={
        "EndpointConfiguration": {"Url": f"http://127.0.0.1:{server.server_port}/in", "AccessKey": "key"},
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0}, "RetryOptions": {"DurationInSeconds": 0},
        "RequestConfiguration": {"CommonAttributes": [{"AttributeName": "team", "AttributeValue": "a"}]},
        "S3Configuration": {"RoleARN": role, "BucketARN": f"arn:aws:s3:::{lake(own_cloud)}"}})
    wait_until(lambda: firehose.describe_delivery_stream(
        DeliveryStreamName="orders")["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE", "the delivery stream")
    send(firehose, "one", "two")
    headers, body = wait_until(lambda: server.batches, "a batch")[0]
    assert [base64.b64decode(record["data"]) for record in body["records"]] == [b"one", b"two"]
    assert headers["x-amz-firehose-access-key"] == "key" and json.loads(headers["x-amz-firehose-common-attributes"]) == {
        "commonAttributes": {"team": "a"}}
    server.is_willing = False
    send(firehose, "three")
    failed = wait_until(lambda: objects(own_cloud, "http-endpoint-failed/"), "the errors")
    assert base64.b64decode(json.loads(failed[0][1])["rawData"]) == b"three"
    server.shutdown()


def test_other_destinations_are_refused(cloud, refused):
    role = make_role(cloud, "firehose", LOGS, trust=TRUST)
    s3 = {"RoleARN": role, "BucketARN": "arn:aws:s3:::lake"}
    with refused("InvalidArgumentException", 400, "SplunkDestinationConfiguration is not supported"):
        cloud.client("firehose").create_delivery_stream(DeliveryStreamName="x", SplunkDestinationConfiguration={
            "HECEndpoint": "https://a", "HECEndpointType": "Raw", "HECToken": "t", "S3Configuration": s3})
    with refused("InvalidArgumentException", 400, "CompressionFormat Snappy is not supported"):
        cloud.client("firehose").create_delivery_stream(
            DeliveryStreamName="x", S3DestinationConfiguration=s3 | {"CompressionFormat": "Snappy"})
