"""For tasks of which nothing is known but what comes out of them."""

import numpy as np

from memorax_bench.drawing.episode import Episode
from memorax_bench.drawing.images import image, is_picture
from memorax_bench.drawing.traces import traces
from memorax_bench.drawing.view import View


def generic(episode: Episode) -> View:
    """The observation as a picture where it is one, else its entries over time."""
    observations = episode.observations
    single = not isinstance(observations, dict | tuple | list)
    return image(episode) if single and is_picture(np.asarray(observations)) else traces(episode)
