"""The picture of a brax body: what is drawn is where mujoco says that it is, in the colours of what is observed."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch

from memorax.environments import make
from memorax_bench.drawing import brax as drawing
from memorax_bench.drawing.style import BLUE, HIDDEN

mujoco = pytest.importorskip("mujoco", reason="brax (extra 'brax') is not installed")
pytest.importorskip("brax", reason="brax (extra 'brax') is not installed")

BODIES = ("ant", "halfcheetah", "hopper", "humanoid", "inverted_pendulum", "pusher", "reacher", "walker2d")
MOMENTS = 3


def posed(name: str):
    """An episode in which the body stands in random poses, and where mujoco finds its solids: `[T+1, solids, 3]`."""
    env, params = make(f"brax::{name}", backend="spring")
    model = env.environment.sys.mj_model
    data, random, places, links = mujoco.MjData(model), np.random.default_rng(0), [], []
    for _ in range(MOMENTS):
        data.qpos[:] = model.qpos0 + random.uniform(-0.5, 0.5, model.nq)
        mujoco.mj_normalizeQuat(model, data.qpos)
        mujoco.mj_forward(model, data)
        places.append(data.geom_xpos.copy())
        links.append((data.xpos[1:].copy(), data.xquat[1:].copy()))
    pos, rot = (np.array(part) for part in zip(*links, strict=True))
    physics = SimpleNamespace(x=SimpleNamespace(pos=pos, rot=rot), xd=SimpleNamespace(vel=np.full(pos.shape, 0.5)))
    size = env.observation_space(params).shape[0]
    episode = SimpleNamespace(
        task=f"brax::{name}",
        options={"backend": "spring"},
        env=env,
        states=SimpleNamespace(pipeline_state=physics),
        observations=np.zeros((MOMENTS, size)),
        actions=np.zeros((MOMENTS - 1, 1)),
    )
    return episode, np.array(places), model


@pytest.mark.parametrize("name", BODIES)
def test_solids_are_where_mujoco_finds_them(name):
    episode, places, model = posed(name)
    solid = [i for i in range(model.ngeom) if model.geom_type[i] != drawing._PLANE and model.geom_rgba[i, 3] > 0]
    assert {*model.geom_type[solid].tolist()} <= {int(mujoco.mjtGeom.mjGEOM_CAPSULE), int(mujoco.mjtGeom.mjGEOM_SPHERE)}
    scene = drawing._scene(episode.states.pipeline_state, model, (30.0, 20.0), True)
    np.testing.assert_allclose(scene.plane @ scene.plane.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(scene.ends.mean(axis=2), places[:, solid] @ scene.plane.T, atol=1e-6)
    length = np.where(model.geom_type[solid] == mujoco.mjtGeom.mjGEOM_CAPSULE, 2 * model.geom_size[solid, 1], 0)
    across = np.linalg.norm(np.diff(scene.ends, axis=2)[:, :, 0], axis=-1)
    assert np.all(across <= length + 1e-6)  # shortened by the projection, never longer

    left, right, low, high = drawing._window(scene)
    seen = scene.ends - scene.centre[:, None, None]
    for axis, (least, most) in enumerate([(left, right), (low, high)]):
        reach = scene.radius[:, None]
        assert np.all(seen[..., axis] - reach > least) and np.all(seen[..., axis] + reach < most)


@pytest.mark.parametrize(
    ("variant", "body", "hidden"),
    [("", BLUE, None), ("-positions", BLUE, "m/s"), ("-velocities", HIDDEN, " m")],
)
def test_what_is_observed_is_blue(variant, body, hidden):
    episode, _, _ = posed("hopper")
    episode.task += variant
    view = drawing.body(episode)
    assert view.hidden is None if hidden is None else all(words.endswith(hidden) for words in view.hidden)
    axes = Figure().add_axes((0, 0, 1, 1))
    view.draw(axes, 1)
    colours = [patch.get_facecolor() for patch in axes.patches if isinstance(patch, PathPatch)]
    expected = tuple(int(body[i : i + 2], 16) / 255 for i in (1, 3, 5))
    assert len(colours) == 4 and {colour[:3] for colour in colours} == {expected}


def test_an_outline_is_all_within_its_radius():
    outline = drawing._outline(np.array([0.0, 0.0]), np.array([3.0, 4.0]), 0.5)
    for point, inside in (((-0.2, -0.3), True), ((3.3, 4.2), True), ((1.5, 2.0), True), ((-0.6, 0.0), False)):
        assert outline.contains_point(point) == inside
    assert drawing._outline(np.zeros(2), np.zeros(2), 0.5).contains_point((-0.4, 0.0))  # a ball
