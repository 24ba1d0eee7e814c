"""Which array of a file is which parameter, by order and shape: found where it is certain, refused where not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from convcalc.diagnostics import Problem
from convcalc.tensors.matching import by_order

Shapes = dict[str, tuple[int, ...]]


def conv(name: str, o: int, i: int, k: int = 3) -> Shapes:
    return {f"{name}.weight": (o, i, k, k)}


def norm(name: str, c: int) -> Shapes:
    return {f"{name}.{leaf}": (c,) for leaf in ("weight", "bias", "running_mean", "running_var")}


def both(*parts: Shapes) -> Shapes:
    joined: Shapes = {}
    for part in parts:
        assert not joined.keys() & part.keys()
        joined |= part
    return joined


def told(wanted: Shapes, theirs: Shapes, **options: bool) -> str:
    with pytest.raises(Problem) as caught:
        by_order(wanted, theirs, **options)
    assert caught.value.code == "weights-order"
    assert "--weights-map" in caught.value.fix
    return caught.value.message


def basic(name: str, i: int, o: int) -> list[Shapes]:
    return [both(conv(f"{name}c1", o, i), norm(f"{name}n1", o)), both(conv(f"{name}c2", o, o), norm(f"{name}n2", o))]


def test_the_same_order_matches_whatever_the_names() -> None:
    wanted = both(conv("conv_1", 4, 3), norm("batch_norm_1", 4), conv("conv_2", 4, 4), conv("conv_3", 4, 4))
    theirs = {f"arr_{place}": shape for place, shape in enumerate(wanted.values())}
    assert by_order(wanted, theirs) == dict(zip(wanted, theirs, strict=True))


def test_parameters_of_a_layer_may_stand_in_another_order() -> None:
    wanted: Shapes = {"linear_1.weight": (2, 2), "linear_1.bias": (2,), "linear_2.weight": (3, 2)}
    theirs: Shapes = {"fc.bias": (2,), "fc.weight": (2, 2), "head.weight": (3, 2)}
    assert by_order(wanted, theirs) == {
        "linear_1.weight": "fc.weight", "linear_1.bias": "fc.bias", "linear_2.weight": "head.weight",
    }  # fmt: skip


def test_names_that_say_bias_are_no_weights_even_of_the_same_shape() -> None:
    wanted: Shapes = {"batch_norm_1.weight": (4,), "batch_norm_1.bias": (4,)}
    theirs: Shapes = {"bn.bias": (4,), "bn.weight": (4,)}
    assert by_order(wanted, theirs) == {"batch_norm_1.weight": "bn.weight", "batch_norm_1.bias": "bn.bias"}


@pytest.mark.parametrize("ordered", [True, False])
def test_a_shortcut_may_be_defined_on_the_other_side_of_its_branch(ordered: bool) -> None:
    shortcut = both(conv("down", 8, 4, 1), norm("downn", 8))
    rest = [both(*basic("b/", 8, 8)), conv("head", 10, 8, 1)]
    wanted = both(conv("stem", 4, 3), shortcut, *basic("a/", 4, 8), *rest)
    theirs = both(conv("stem", 4, 3), *basic("a/", 4, 8), shortcut, *rest)
    if ordered:
        assert by_order(wanted, theirs) == {name: name for name in wanted}
    else:
        # Without an order the norms, all of one shape, have no place.
        assert "'downn' could be" in told(wanted, theirs, ordered=False)


def test_a_shortcut_that_looks_like_the_branch_s_last_layer_is_not_guessed() -> None:
    main = [conv("c1", 4, 4, 1), conv("c2", 4, 4), conv("c3", 16, 4, 1)]
    wanted = both(conv("stem", 4, 3), conv("down", 16, 4, 1), *main, conv("head", 2, 16))
    theirs = both(conv("stem", 4, 3), *main, conv("down", 16, 4, 1), conv("head", 2, 16))
    assert told(wanted, theirs) == "'down' could be 'c3' or 'down': order and shape do not decide it"


def test_a_layer_that_moved_alone_or_with_its_neighbour_is_not_guessed() -> None:
    one, two, moved = conv("d1", 4, 4), conv("d2", 4, 4), conv("x", 5, 4)
    ends = conv("a", 4, 3), conv("b", 2, 4)
    wanted = both(ends[0], moved, one, two, ends[1])
    theirs = both(ends[0], one, moved, two, ends[1])
    assert told(wanted, theirs) == "'d1' could be 'd1' or 'd2': order and shape do not decide it"


def test_what_only_one_side_has_is_named() -> None:
    wanted = both(conv("conv_1", 4, 3), conv("conv_2", 4, 4), conv("conv_3", 4, 4))
    theirs = both(conv("a", 4, 3), conv("b", 4, 4), conv("c", 8, 4))
    assert told(wanted, theirs) == (
        "the net has 2 layers like conv_2 (weight 4x4x3x3), the file 1; "
        "the file's c (weight 8x4x3x3) is of no layer of the net"
    )
    more = both(wanted, conv("aux", 4, 4))
    assert told(wanted, more) == "the net has 2 layers like conv_2 (weight 4x4x3x3), the file 3"
    assert told(more, wanted) == "the net has 3 layers like conv_2 (weight 4x4x3x3), the file 2"
    assert told(wanted, {"x": (4, 3, 3, 3)}).startswith("the net has 1 layer like conv_1 (weight 4x3x3x3), the file 0")
    assert told(wanted, {}).endswith("the file 0")


def test_sorted_names_have_an_order_in_their_numbers() -> None:
    names = [f"features.{place}" for place in (0, 2, 10)]
    wanted = both(*(conv(f"conv_{place}", 4, 4) for place in (1, 2, 3)))
    theirs = both(*(conv(name, 4, 4) for name in sorted(names)))
    assert list(theirs) == ["features.0.weight", "features.10.weight", "features.2.weight"]
    found = by_order(wanted, theirs, ordered=False)
    assert list(found.values()) == [f"{name}.weight" for name in names]


def test_sorted_names_that_differ_in_words_have_none() -> None:
    wanted = both(conv("conv_1", 4, 4), conv("conv_2", 4, 4))
    theirs = both(conv("body", 4, 4), conv("stem", 4, 4))
    assert told(wanted, theirs, ordered=False) == "'conv_1' could be 'body' or 'stem': order and shape do not decide it"


def test_every_shuffle_of_layers_of_their_own_shape_is_undone() -> None:
    layers = [conv(f"c{place}", place + 2, 3) for place in range(5)]
    wanted = both(*layers)
    for shuffled in itertools.permutations(layers):
        assert by_order(wanted, both(*shuffled)) == {name: name for name in wanted}


def test_no_wrong_match_when_one_run_of_layers_was_moved() -> None:
    """Whatever single run of layers was moved: what is returned is the truth, or the same sequence of shapes."""
    rng = np.random.default_rng(3)
    found = refused = 0
    for _ in range(3000):
        count = rng.integers(3, 9)
        layers = [conv(f"c{place}", *map(int, rng.integers((2, 1), (7, 3)))) for place in range(count)]
        start, stop = sorted(map(int, rng.integers((0, 0), (count, count + 1))))
        rest = layers[:start] + layers[stop:]
        to = int(rng.integers(0, len(rest) + 1))
        moved = rest[:to] + layers[start:stop] + rest[to:]
        wanted, theirs = both(*layers), both(*moved)
        if list(wanted.values()) == list(theirs.values()):
            continue
        try:
            assert by_order(wanted, theirs) == {name: name for name in wanted}, (wanted, theirs)
            found += 1
        except Problem:
            refused += 1
    assert found > 500
    assert refused > 200
