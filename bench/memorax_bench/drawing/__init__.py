"""Shows one episode of a task: as text, as a strip of pictures, and animated. The verb `show`.

`play` makes the episode, a view says what its steps mean, `text` and `strip` lay that out. A view is made by one
function, Episode -> View; to give a task its own, write that function and name it here, under a prefix of the task's
id. The longest prefix counts. A task without one is shown as what it is, an array at every step: see `generic`.
"""

_HERE = __name__

# prefix of a task's id -> "module:function"
VIEWS = {
    "brax::": f"{_HERE}.brax:body",
    "navix::": f"{_HERE}.grids:navix",
    "xminigrid::": f"{_HERE}.grids:xminigrid",
    "popgym::Autoencode": f"{_HERE}.cards:autoencode",
    "popgym::Battleship": f"{_HERE}.boards:battleship",
    "popgym::Concentration": f"{_HERE}.boards:concentration",
    "popgym::CountRecall": f"{_HERE}.cards:count_recall",
    "popgym::HigherLower": f"{_HERE}.cards:higher_lower",
    "popgym::MineSweeper": f"{_HERE}.boards:mine_sweeper",
    "popgym::MultiarmedBandit": f"{_HERE}.bandits:multiarmed_bandit",
    "popgym::NoisyPositionOnlyCartPole": f"{_HERE}.cart_pole:noisy",
    "popgym::NoisyPositionOnlyPendulum": f"{_HERE}.pendulum:noisy",
    "popgym::PositionOnlyCartPole": f"{_HERE}.cart_pole:position_only",
    "popgym::PositionOnlyPendulum": f"{_HERE}.pendulum:position_only",
    "popgym::RepeatFirst": f"{_HERE}.cards:repeat_first",
    "popgym::RepeatPrevious": f"{_HERE}.cards:repeat_previous",
    "popgym::VelocityOnlyCartPole": f"{_HERE}.cart_pole:velocity_only",
    "gymnax::BernoulliBandit-misc": f"{_HERE}.bandits:bernoulli_bandit",
    "gymnax::CartPole-v1": f"{_HERE}.cart_pole:gymnax",
    "gymnax::FourRooms-misc": f"{_HERE}.mazes:four_rooms",
    "gymnax::FrozenLake-misc": f"{_HERE}.mazes:frozen_lake",
    "gymnax::MemoryChain-bsuite": f"{_HERE}.traces:memory_chain",
    "gymnax::MetaMaze-misc": f"{_HERE}.mazes:meta_maze",
    "gymnax::Pendulum-v1": f"{_HERE}.pendulum:gymnax",
}
GENERIC = f"{_HERE}.generic:generic"


def view_path(task: str, observation: str | None = None) -> str:
    """The "module:function" that makes the view of a task. `observation` is its option of that name, if it has one.

    Pictures show what a task hides beside what it shows; where an option changes what is shown they would be wrong.
    """
    prefixes = [prefix for prefix in VIEWS if task.startswith(prefix)]
    if not prefixes or observation not in (None, "partial"):
        return GENERIC
    return VIEWS[max(prefixes, key=len)]
