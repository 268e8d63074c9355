"""The list of checks. Each says where it does not apply, and why."""

CHECKS = []


def check(python3=None, fresh=False):
    """python3: why the check does not apply to ipykernel. fresh: needs a kernel of its own."""

    def add(function):
        assert function.__doc__, function
        CHECKS.append(dict(name=function.__name__, run=function, exempt={"python3": python3}, fresh=fresh))
        return function

    return add
