"""Who or what a step waits for, and what would have to be sent to know it."""

from models.doers import doer


def test_a_task_of_a_process_engine_waits_for_whoever_claims_it_which_its_history_does_not_say():
    assert doer("a-process-of-this-hospital", "approve").who is None
    assert "claimed" in doer("a-process-of-this-hospital", "approve").field
