"""The KPI registry: every declaration, by id. One file per family; adding a KPI is one declaration there."""

from models.declaration import Family
from models.errors import UnknownKpi
from models.kpi import Kpi
from models.kpis.beds import BEDS
from models.kpis.emergency import EMERGENCY
from models.kpis.exceptions import EXCEPTIONS
from models.kpis.handoffs import HANDOFFS
from models.kpis.interfaces import INTERFACES
from models.kpis.occupancy import OCCUPANCY
from models.kpis.paths import PATHS
from models.kpis.results import RESULTS
from models.kpis.tasks import TASKS

KPIS: dict[str, Kpi] = {
    kpi.id: kpi
    for kpi in (*EMERGENCY, *BEDS, *OCCUPANCY, *RESULTS, *HANDOFFS, *TASKS, *EXCEPTIONS, *PATHS, *INTERFACES)
}
"""Every KPI by id, in the order in which people read them."""

FAMILIES: dict[Family, str] = {
    "emergency": "Emergency",
    "beds": "Beds and discharge",
    "results": "Orders and results",
    "handoffs": "Handoffs",
    "tasks": "Tasks",
    "exceptions": "What did not happen",
    "interfaces": "Interfaces",
}
"""What people call each family."""


def find_kpi(kpi_id: str) -> Kpi:
    """The declaration with this id.

    Raises:
        UnknownKpi: no KPI has it; the message says which was probably meant.
    """
    if kpi_id not in KPIS:
        raise UnknownKpi(kpi_id, KPIS)
    return KPIS[kpi_id]
