import h5py
import numpy as np
import pytest

from tasks.vertex.data import errors, matrices
from tasks.vertex.data.vectors import VectorFile, open_vectors


def everything(path, **options):
    with VectorFile(path, **options) as file:
        blocks = list(file.blocks())
    ids = [id_ for block in blocks for id_ in block.ids]
    return ids, np.concatenate([block.vectors for block in blocks]), [block.first_row for block in blocks]


def test_the_sample_reads_back_as_it_is(sample):
    ids, rows, _ = everything(sample)
    with h5py.File(sample) as file:
        np.testing.assert_array_equal(rows, file["train"][:])
    assert ids == [str(row) for row in range(10_000)]


def test_words_come_as_text_and_cut_to_the_limit(sample):
    with VectorFile(sample) as file:
        assert file.words("train_words", 3) == ["the", "and", "for"]
        assert len(file.words("test_words", 1000)) == 200
        assert file.words("no_words", 3) == []


@pytest.mark.parametrize(("limit", "rows"), [(None, 200), (1, 1), (101, 101), (200, 200), (999, 200)])
def test_a_limit_takes_the_first_rows_and_no_more_than_there_are(write_hdf5, vectors_of, limit, rows):
    ids, read, _ = everything(write_hdf5(train=vectors_of(200)), limit=limit)
    np.testing.assert_array_equal(read, vectors_of(200)[:rows])
    assert ids == [str(row) for row in range(rows)]


@pytest.mark.parametrize(
    ("chunk_rows", "starts"),
    [(300, [0, 900, 1800]), (1000, [0, 1000, 2000]), (5000, [0]), (None, [0, 1024, 2048])],
)
def test_blocks_start_where_chunks_start(write_hdf5, vectors_of, monkeypatch, chunk_rows, starts):
    monkeypatch.setattr(matrices, "BLOCK_ROWS", 1024)
    rows = vectors_of(2500)
    chunks = (min(chunk_rows, 2500), 4) if chunk_rows else None
    ids, read, first_rows = everything(write_hdf5(train=rows, chunks=chunks))
    assert first_rows == starts
    np.testing.assert_array_equal(read, rows)
    assert len(ids) == 2500


def test_long_vectors_come_in_blocks_of_bounded_bytes(write_hdf5):
    _, _, first_rows = everything(write_hdf5(train=np.ones((3, 2**20), dtype=np.float32)))
    assert first_rows == [0, 2]


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4", ">f8"])
def test_every_float_type_becomes_float32_in_native_order(write_hdf5, vectors_of, dtype):
    _, read, _ = everything(write_hdf5(train=vectors_of(5).astype(dtype)))
    assert read.dtype == np.float32
    assert read.dtype.isnative
    np.testing.assert_array_equal(read, vectors_of(5).astype(dtype).astype(np.float32))


@pytest.mark.parametrize(
    ("ids", "read"),
    [
        (["sku-1", "ž", "3"], ["sku-1", "ž", "3"]),
        (np.array([b"a", b"bb", b"c"], dtype="S2"), ["a", "bb", "c"]),
        (np.array([7, -8, 2**62]), ["7", "-8", str(2**62)]),
    ],
    ids=["text", "fixed length", "integers"],
)
def test_ids_are_read_as_strings(write_hdf5, vectors_of, ids, read):
    assert everything(write_hdf5(train=vectors_of(3), ids=ids))[0] == read


def test_bad_rows_stop_the_reading_of_their_block(write_hdf5, vectors_of):
    rows = vectors_of(20)
    rows[[3, 11], 2] = np.nan
    with pytest.raises(errors.NotFinite) as caught:
        everything(write_hdf5(train=rows))
    assert caught.value.rows == (3, 11)


def test_a_gs_address_is_fetched_into_the_folder_and_named_in_errors(write_hdf5, vectors_of, tmp_path):
    asked = []

    def fetch(uri, folder):
        asked.append((uri, folder))
        return write_hdf5(test=vectors_of(3))

    with (
        pytest.raises(errors.DatasetMissing, match=r"gs://bucket/products\.hdf5"),
        open_vectors("gs://bucket/products.hdf5", fetch=fetch, folder=tmp_path),
    ):
        pass
    assert asked == [("gs://bucket/products.hdf5", tmp_path)]


def test_a_gs_address_without_a_way_to_fetch_it_is_refused():
    with pytest.raises(errors.DataFileElsewhere), open_vectors("gs://bucket/products.hdf5"):
        pass


def test_queries_are_the_rows_of_test(sample):
    with VectorFile(sample) as file, h5py.File(sample) as raw:
        np.testing.assert_array_equal(file.queries(), raw["test"][:])
        np.testing.assert_array_equal(file.queries(limit=7), raw["test"][:7])
        with pytest.raises(errors.LimitBelowOne):
            file.queries(limit=0)
