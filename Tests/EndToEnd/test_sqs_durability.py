"""What SQS has acknowledged is there after the server was killed, in the state in which it was."""


def test_messages_in_flight_keep_their_deadline_and_count_over_a_kill(own_cloud, clock):
    sqs = own_cloud.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    clock.freeze()
    sqs.send_message(QueueUrl=url, MessageBody="in flight")
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
    clock.advance("40s")

    own_cloud.restart(kill=True)
    # The frozen clock stands where it stood: 20 s of invisibility are left.
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    clock.advance("19s")
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    clock.advance("1s")
    [message] = sqs.receive_message(QueueUrl=url, AttributeNames=["ApproximateReceiveCount"])["Messages"]
    assert message["Body"] == "in flight"
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"


def test_delayed_messages_and_deletions_outlive_a_kill(own_cloud, clock):
    sqs = own_cloud.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    clock.freeze()
    sqs.send_message(QueueUrl=url, MessageBody="gone")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"])
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=300)

    own_cloud.restart(kill=True)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    clock.advance("5m")
    assert [message["Body"] for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]] == ["late"]
