"""The verb `doctor`: what it is content with, and what it finds."""

from memorax_bench.verbs import doctor


def plant(folder, name, *top_level):
    """A distribution of another project on the path, as pip would leave it."""
    info = folder / f"{name}-9.9.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n")
    (info / "top_level.txt").write_text("\n".join(top_level))
    (info / "RECORD").write_text("".join(f"{module}/__init__.py,,\n" for module in top_level))


def test_doctor_is_content(call, capsys):
    code, text, _ = call("doctor")
    assert code == 0
    for part in ("ok    python 3.", "ok    jax 0.", "1 x cpu (cpu)", "compilation cache", "a product of matrices"):
        assert part in text
    assert "BAD" not in text


def test_doctor_and_run_refuse_a_foreign_memorax(call, tmp_path, monkeypatch):
    plant(tmp_path / "site", "memorax", "memorax")
    monkeypatch.syspath_prepend(tmp_path / "site")
    code, text, _ = call("doctor")
    assert code == 6
    assert text.startswith("BAD   the import 'memorax' belongs to memorax as well, at ")
    assert "pip uninstall memorax, then reinstall memorax-bench" in text
    code, _, err = call("run", "suite=smoke")
    assert code == 6
    assert "pip uninstall memorax" in err


def test_doctor_notes_a_foreign_lox(call, tmp_path, monkeypatch):
    plant(tmp_path / "site", "lox", "lox")
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert "lox 9.9 is installed: that is another project" in doctor.foreign_lox()
    code, text, _ = call("doctor")
    assert code == 0
    assert "note  lox 9.9 is installed" in text


def test_doctor_finds_a_cache_that_cannot_be_written(call, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    code, text, _ = call("doctor")
    assert code == 6
    assert "BAD   compilation cache" in text
