"""What the walk knows of Scheduler and Pipes: what there is, inputs that succeed, and the permissions that they need."""

from lambdas import policy

TRUST = policy({
    "Effect": "Allow", "Principal": {"Service": ["scheduler.amazonaws.com", "pipes.amazonaws.com"]}, "Action": "sts:AssumeRole"})


def make(world):
    """Groups, schedules and pipes; nothing of them comes due while the tests run."""
    iam = world.client("iam")
    world.sender = iam.create_role(RoleName="sender", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName="sender", PolicyName="own", PolicyDocument=policy(
        {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}))
    scheduler = world.client("scheduler")
    for name in ("main", "doomed"):
        scheduler.create_schedule_group(Name=name, Tags=[{"Key": "team", "Value": "a"}])
        scheduler.create_schedule(Name=name, **_schedule(world))
    pipes = world.client("pipes")
    for name in ("main", "doomed", "still"):
        pipes.create_pipe(Name=name, DesiredState="STOPPED", Tags={"team": "a"}, **_pipe(world))
    settle(world)


def settle(world):
    """Waits until every pipe takes changes again."""
    from harness import wait_until
    wait_until(
        lambda: all(pipe["CurrentState"] in ("RUNNING", "STOPPED") for pipe in world.client("pipes").list_pipes()["Pipes"]),
        "the pipes rest")


def _schedule(world):
    return {
        "ScheduleExpression": "cron(0 0 1 1 ? 2199)", "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": world.arn("sqs", "main"), "RoleArn": world.sender, "Input": "x"}}


def _pipe(world):
    return {"Source": world.arn("sqs", "source"), "Target": world.arn("sqs", "main"), "RoleArn": world.sender}


def _group(name):
    return lambda w: w.arn("scheduler", f"schedule-group/{name}")


def _schedule_arn(name):
    return lambda w: w.arn("scheduler", f"schedule/default/{name}")


def _pipe_arn(name):
    return lambda w: w.arn("pipes", f"pipe/{name}")


DEFAULTS = {
    "scheduler:Name": "main", "scheduler:ScheduleExpression": "cron(0 0 1 1 ? 2199)",
    "scheduler:FlexibleTimeWindow": {"Mode": "OFF"}, "scheduler:Target": lambda w: _schedule(w)["Target"],
    "scheduler:ResourceArn": _group("main"), "scheduler:Tags": [{"Key": "team", "Value": "b"}], "scheduler:TagKeys": ["team"],
    "pipes:Name": "main", "pipes:Source": lambda w: w.arn("sqs", "source"), "pipes:Target": lambda w: w.arn("sqs", "main"),
    "pipes:RoleArn": lambda w: w.sender, "pipes:resourceArn": _pipe_arn("main"), "pipes:tags": {"team": "b"}, "pipes:tagKeys": ["team"],
}

INPUTS = {
    "scheduler:CreateSchedule": {"Name": "fresh"},
    "scheduler:CreateScheduleGroup": {"Name": "fresh"},
    "scheduler:DeleteSchedule": {"Name": "doomed"},
    "scheduler:DeleteScheduleGroup": {"Name": "doomed"},
    "pipes:CreatePipe": {"Name": "fresh", "DesiredState": "STOPPED"},
    "pipes:DeletePipe": {"Name": "doomed"},
    "pipes:StartPipe": {"Name": "still"},
    "pipes:StopPipe": {"Name": "main"},
    "pipes:UpdatePipe": {"Description": "new"},
}


def _asked(service, action, arn, passes_role=False):
    return lambda w: [(f"{service}:{action}", arn(w)), *([("iam:PassRole", w.sender)] if passes_role else [])]


ACCESS = {
    "scheduler:CreateSchedule": _asked("scheduler", "CreateSchedule", _schedule_arn("fresh"), True),
    "scheduler:UpdateSchedule": _asked("scheduler", "UpdateSchedule", _schedule_arn("main"), True),
    "scheduler:GetSchedule": _asked("scheduler", "GetSchedule", _schedule_arn("main")),
    "scheduler:DeleteSchedule": _asked("scheduler", "DeleteSchedule", _schedule_arn("doomed")),
    "scheduler:ListSchedules": _asked("scheduler", "ListSchedules", lambda w: "*"),
    "scheduler:ListScheduleGroups": _asked("scheduler", "ListScheduleGroups", lambda w: "*"),
    "scheduler:CreateScheduleGroup": _asked("scheduler", "CreateScheduleGroup", _group("fresh")),
    "scheduler:DeleteScheduleGroup": _asked("scheduler", "DeleteScheduleGroup", _group("doomed")),
    "scheduler:GetScheduleGroup": _asked("scheduler", "GetScheduleGroup", _group("main")),
    **{f"scheduler:{action}": _asked("scheduler", action, _group("main"))
       for action in ("TagResource", "UntagResource", "ListTagsForResource")},
    "pipes:CreatePipe": _asked("pipes", "CreatePipe", _pipe_arn("fresh"), True),
    "pipes:UpdatePipe": _asked("pipes", "UpdatePipe", _pipe_arn("main"), True),
    "pipes:DescribePipe": _asked("pipes", "DescribePipe", _pipe_arn("main")),
    "pipes:DeletePipe": _asked("pipes", "DeletePipe", _pipe_arn("doomed")),
    "pipes:StartPipe": _asked("pipes", "StartPipe", _pipe_arn("still")),
    "pipes:StopPipe": _asked("pipes", "StopPipe", _pipe_arn("main")),
    "pipes:ListPipes": _asked("pipes", "ListPipes", lambda w: "*"),
    **{f"pipes:{action}": _asked("pipes", action, _pipe_arn("main"))
       for action in ("TagResource", "UntagResource", "ListTagsForResource")},
}
