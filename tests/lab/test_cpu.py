#!/usr/bin/env python3
"""An agent that takes more CPU time than it may samples less, and all again when the load is gone."""

import json
import sys
import time

from lablib import Agent, Consumer, Provider, case, check, check_equal, routes, run


@case
def busy_agent_samples_less_and_comes_back(lab):
    v1 = Provider(lab, "v1")
    Provider(lab, "v2")
    agent = Agent(lab, routes(100), workers=1, limits={"max_cpu": 0.03})
    result = Consumer(lab, "--requests", 0, "--duration", 5, "--depth", 32).result()
    agent.wait_for_log(r"all shares are multiplied by 0\.", seconds=5)
    agent.wait_for_log(r"all that the routes ask for is sampled again", seconds=45)
    calm = Consumer(lab, "--requests", 100, "--rate", 100, "--depth", 1).result()
    time.sleep(0.5)
    ledger = agent.stop()
    requests = result["requests"] + calm["requests"]
    check_equal((result["ok"], result["failed"], result["unexpected"]), (result["requests"], 0, 0), "right answers")
    one = v1.stop()
    check_equal(one["received"], requests, "what v1 received")
    check_equal(ledger["seen"], requests, f"requests in the ledger ({ledger})")
    check(ledger["not_sampled"] > result["requests"] // 10, f"requests that were left out ({json.dumps(ledger)})")
    check(ledger["copies"] > 100, f"copies ({ledger})")
    check_equal(ledger["sampling_factor"], 1, "the factor at the end")


if __name__ == "__main__":
    sys.exit(run())
