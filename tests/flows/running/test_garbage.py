import gc

from flows.running import garbage


def test_what_is_loaded_is_spared_once_so_that_later_garbage_is_not(monkeypatch):
    frozen = list[int]()
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(1))
    garbage.spare_what_is_loaded.cache_clear()
    try:
        garbage.spare_what_is_loaded()
        garbage.spare_what_is_loaded()
        assert frozen == [1]
    finally:
        garbage.spare_what_is_loaded.cache_clear()
