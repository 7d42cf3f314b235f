# ruff: noqa: E501 - a row of a literal table is one line
"""The task KPIs on tasks that can be counted by hand."""

from datetime import date

import pytest

TASKS = """
task_key | queue               | creation_at      | closing_at       | overdue_at       | minutes_to_completion | manual_touches | is_completed | is_automatic | is_overridden | is_reworked | is_history_known | is_open | resolution_minutes
t1       | registration-review | 2026-04-06T08:00 | 2026-04-06T08:10 | -                | 10                    | 0              | yes          | yes          | no            | no          | yes              | no      | 0
t2       | registration-review | 2026-04-06T09:00 | 2026-04-06T10:00 | -                | 60                    | 2              | yes          | no           | yes           | no          | yes              | no      | 0
t3       | order-clarification | 2026-04-06T10:00 | 2026-04-08T10:00 | 2026-04-06T12:00 | 2880                  | 4              | yes          | no           | no            | yes         | yes              | no      | 0
t4       | order-clarification | 2026-04-07T10:00 | 2026-04-07T11:00 | -                | 60                    | 1              | no           | no           | no            | no          | yes              | no      | 0
t5       | order-clarification | 2026-04-07T12:00 | -                | 2026-04-07T14:00 | 7920                  | 1              | no           | no           | no            | no          | yes              | yes     | -
t6       | registration-review | 2026-04-12T12:00 | -                | -                | 720                   | 0              | no           | no           | no            | no          | no               | yes     | -
t7       | registration-review | 2026-04-12T08:00 | 2026-04-12T08:30 | -                | 30                    | 0              | yes          | no           | no            | no          | no               | no      | 0
"""
HOURS = 60


def test_open_tasks_are_those_not_closed_with_their_age(spec):
    # at the cut, 13 April 00:00: t5 since 7 April 12:00, t6 since 12 April 12:00
    assert spec.value("tasks_open", TASKS) == (2, (5 * 24 + 12) * HOURS + 12 * HOURS, 2, 2)
    assert spec.value("tasks_open", TASKS, end=date(2026, 4, 8))[0] == 2  # t3 and t5


def test_overdue_tasks_wait_since_they_were_due(spec):
    # t5 was due on 7 April at 14:00; t3 was overdue too, until the 8th
    assert spec.value("tasks_overdue", TASKS) == (1, (5 * 24 + 10) * HOURS, 1, 1)
    assert [row[:2] for row in spec.rows("tasks_overdue", TASKS, grain="day", end=date(2026, 4, 9))] == [
        (date(2026, 4, 6), 1),  # t3
        (date(2026, 4, 7), 2),  # t3 t5
        (date(2026, 4, 8), 1),  # t5
    ]


def test_created_and_completed_are_counted_on_their_own_days(spec):
    assert [row[:2] for row in spec.rows("tasks_created", TASKS, grain="day")] == [
        (date(2026, 4, 6), 3),
        (date(2026, 4, 7), 2),
        (date(2026, 4, 12), 2),
    ]
    assert spec.value("tasks_completed", TASKS) == (4, 4, 4, 0)  # t4 was given up
    assert spec.excluded("tasks_completed", TASKS) == [1]


def test_an_open_task_counts_as_waiting(spec):
    # 10 30 60 completed (60 given up is censored after it), 720 waits, 2880 completed
    # S = 6/7, 5/7, 4/7, then after t4 and t6 two are at risk: 4/7 x 1/2 = 0.286 at 2880
    assert spec.value("task_completion_time", TASKS) == (2880, 4, 7, 2)


@pytest.mark.parametrize(
    ("kpi", "value", "numerator"),
    [
        ("manual_touches_per_task", (0 + 2 + 4) / 3, 6),  # t1 t2 t3
        ("task_override_rate", 1 / 3, 1),  # t2
        ("tasks_without_manual_touch", 1 / 3, 1),  # t1
        ("task_rework_rate", 1 / 3, 1),  # t3
    ],
)
def test_what_people_did_is_told_of_completed_tasks_whose_history_was_sent(spec, kpi, value, numerator):
    assert spec.value(kpi, TASKS) == (pytest.approx(value), numerator, 3, 0)
    assert spec.excluded(kpi, TASKS) == [1, 1]  # t4 given up, t7 without a history
    assert spec.readiness(kpi, TASKS).state == "biased"  # 3 of 4


def test_what_is_counted_by_the_day_must_be_known_to_a_tenth_of_a_day(spec):
    by_export = TASKS.replace("| 0\n", "| 144\n")
    assert spec.readiness("tasks_completed", by_export).state == "ready"
    assert spec.readiness("tasks_completed", by_export.replace("| 144\n", "| 145\n")).state == "biased"
    assert spec.readiness("tasks_created", by_export).resolution_minutes is None


def test_each_queue_has_its_own_numbers(spec):
    assert [row[:2] for row in spec.rows("tasks_open", TASKS, by=("queue",))] == [
        ("order-clarification", 1),
        ("registration-review", 1),
    ]
