"""A component with nothing but grpcio and generated code: docs/component-api.md explains it, step by step.

    pip install grpcio grpcio-tools
    mkdir stubs && python -m grpc_tools.protoc -I Protos --python_out stubs --grpc_python_out stubs \
        $(cd Protos && find hedgerow -name '*.proto')

A core runs it (`run: exec python3 plain_component.py`, the folder stubs beside it). It publishes what comes in again
under `republish/reading`, with its topic as a further field. Real programs use hedgerow.Component, which adds what this
one leaves out: failures, the end that a core asks for, trying again when the core restarts.
"""

import os
import queue
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "stubs"))

import grpc
from hedgerow.component.v1 import component_pb2, component_pb2_grpc

channel = grpc.insecure_channel(f"unix:{os.environ['HEDGEROW_SOCKET']}", [("grpc.default_authority", "localhost")])
core = component_pb2_grpc.ComponentServiceStub(channel)
token = (("authorization", f"Bearer {os.environ['HEDGEROW_TOKEN']}"),)

me = core.GetComponent(component_pb2.GetComponentRequest(), metadata=token, timeout=10)
print(f"{me.instance} of group {me.group} runs {me.component} {me.version} on {me.core}", flush=True)
core.ReportHealth(component_pb2.ReportHealthRequest(healthy=True), metadata=token, timeout=10)

# What goes to the core on the stream: first the start, with credit for one message.
requests: queue.SimpleQueue[component_pb2.ReceiveRequest] = queue.SimpleQueue()
requests.put(component_pb2.ReceiveRequest(start=component_pb2.ReceiveStart(one_at_a_time=True), add_credit=1))

for response in core.Receive(iter(requests.get, None), metadata=token):
    for event in response.events:
        came = event.record.message
        result = component_pb2.EventResult(delivery_id=event.delivery_id)
        output = result.messages.add(topic="republish/reading", traceparent=came.traceparent)
        output.reading.CopyFrom(came.reading)
        output.reading.values["topic"].string_value = came.topic
        # The result, and credit for the next one.
        requests.put(component_pb2.ReceiveRequest(results=[result], add_credit=1))
    for delivery_id in response.stored_delivery_ids:
        print(f"message {delivery_id} is done", flush=True)
