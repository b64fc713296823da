"""What measure and embed take, by numbers worked out by hand."""

from dataclasses import replace

import pytest

from strata.commands.plan import needs
from strata.commands.plan.points import fewest
from strata.core.errors import StrataError
from strata.maps.memory import reduction_bytes
from strata.measures import memory
from strata.measures.memory import Sizes, gram_bytes, scratch_bytes

SIZES = Sizes(
    mapped=100,
    points=100,
    reference=50,
    held_out=100,
    classes=10,
    units={"input": 20, "h1": 30, "h2": 5},
    networks=2,
    earlier=0,
    held_out_apart=False,
    correlated=40,
    perplexity=5,
    components=10,
    group=16,
)


def test_the_scratch_folder_of_a_small_run():
    # 150 images; 55 units in each of two networks; projections of 20 (of h1, too) and of 5 dimensions.
    assert scratch_bytes(SIZES, inputs=20) == 4 * 150 * (2 * 55 + 25)


def test_the_scratch_folder_grows_by_networks_held_out_images_and_mapped_points():
    assert scratch_bytes(replace(SIZES, networks=3, earlier=2), inputs=20) == 4 * 150 * (5 * 55 + 25)
    assert scratch_bytes(replace(SIZES, held_out_apart=True), inputs=20) == 4 * 250 * (2 * 55 + 25)
    assert scratch_bytes(replace(SIZES, mapped=130), inputs=20) == 4 * (150 * (2 * 55 + 25) + 130 * 55)
    assert scratch_bytes(SIZES, inputs=1000) == 4 * 150 * (2 * 55 + 20 + 30 + 5)


def test_the_scratch_folder_has_the_distances_of_wide_layers_of_networks_that_are_compared():
    few = replace(SIZES, mapped=15, points=15, held_out=15, earlier=1)
    # Layers input and h1 of two networks have half as many units as there are points, and so has their projection.
    assert scratch_bytes(few, inputs=20) == 4 * 65 * (3 * 55 + 25) + 8 * 15 * 16 * (2 * 2 + 1)
    assert scratch_bytes(few, inputs=1000) == 4 * 65 * (3 * 55 + 55) + 8 * 15 * 16 * (2 * 2 + 2)


def test_the_stage_holds_all_images_and_those_that_it_chose():
    assert memory.image_bytes(12, train=70, test=100, sizes=SIZES) == 12 * (70 + 100 + 100 + 150)
    assert memory.image_bytes(1, train=70, test=100, sizes=replace(SIZES, held_out_apart=True)) == 270 + 250


def test_a_gram_matrix_has_rows_of_every_array():
    assert gram_bytes(points=100, units=30, arrays=6) == 8 * (6 + 3) * 100 * 100 + 9 * 100 * 30
    assert gram_bytes(points=5000, units=30, arrays=28) == 8 * 31 * 1024 * 5000 + 9 * 5000 * 30


def test_a_readout_holds_its_images_twice_and_the_weights_of_its_probe_many_times():
    wide, many = 100_000, 1000
    found = memory.readout_bytes(points=10, reference=20, held_out=10, units=wide, classes=many)
    assert found == 4 * 30 * wide + 40 * 8 * wide * many + 6 * 8 * 20 * many


def test_a_layer_of_few_units_is_kept_whole_and_a_wide_one_up_to_a_limit():
    assert reduction_bytes(count=100, units=10, components=50, group=16) == 4 * 5 * 16 * 10 + 2 * 4 * 100 * 10
    exact = reduction_bytes(count=100, units=500, components=50, group=16)
    assert exact == 4 * 5 * 16 * 500 + 4 * 100 * 500 + 4 * 500**2 + 20 * 100 * 500
    few = reduction_bytes(count=100, units=5000, components=50, group=16)
    assert few == 4 * (5 * 16 + 2 * 100) * 5000 + 8 * 100 * 4096 + 3 * 8 * (5000 * 50 + 100**2)
    wide = reduction_bytes(count=10_000, units=100_000, components=50, group=500)
    assert wide == 4 * 5 * 500 * 100_000 + 500e6 + 36 * 100_000 * 70 + 20 * 10_000 * 70


def test_the_memory_of_the_stages_own_processes():
    assert needs.extract_main(peak=1000, batches=1, batch=10, units=5) == 1000
    assert needs.extract_main(peak=1000, batches=3, batch=10, units=5) == 1000 + 2 * 200
    assert needs.extract_main(peak=1000, batches=90, batch=10, units=5) == 1000 + 6 * 200
    assert needs.embed_main(100, count=10, units={"a": 3, "b": 90}, components=50, networks=2) == 100 + 8 * 10 * 2 * 53
    assert needs.measure_main(100, weights=10, images=7, batch=5, projecting=9, sums=2) == 100 + 50 + 7 + 5 + 9 + 2
    assert needs.map_bytes(10, layers=3, networks=2) == 6 * (140 + 3000)


def test_the_fewest_points_are_found_by_the_check_itself():
    def check(count: int) -> None:
        if count < 91:
            raise StrataError("too few")

    def never(_: int) -> None:
        raise StrataError("another setting")

    assert fewest(check) == 91
    assert fewest(never) is None
    assert fewest(lambda _: None) == 1


@pytest.mark.parametrize(
    ("size", "text"),
    [(10 * 2**10, "10 KiB"), (35 * 2**20, "35 MiB"), (1.5 * 2**30, "1.5 GiB")],
)
def test_bytes_as_text(size, text):
    assert needs.amount(size) == text


def test_the_report_of_a_thousand_and_of_ten_thousand_points_as_measured():
    """Its process took 270 and 290 MiB, one that draws figures up to 199, its files 13.8 and 28.8 MB."""
    small, large = (needs.report_needs(784, count, count, 2) for count in (1_000, 10_000))
    assert small.main == pytest.approx(270 * 2**20, rel=0.05) and large.main == pytest.approx(290 * 2**20, rel=0.05)
    assert small.worker == pytest.approx(199 * 2**20, rel=0.05) and small.workers == 2
    assert small.disk == pytest.approx(13.8e6, rel=0.05) and large.disk == pytest.approx(28.8e6, rel=0.05)
