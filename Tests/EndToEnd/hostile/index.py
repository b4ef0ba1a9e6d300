"""A function that means harm. An event names an attack; the answer is what the attacker saw."""

import files
import kernel
import processes
import space
import talk

MODULES = (files, kernel, processes, space, talk)


def handler(event, context):
    for module in MODULES:
        if event["attack"] in vars(module):
            return vars(module)[event["attack"]](event)
    raise KeyError(event["attack"])
