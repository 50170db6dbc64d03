import pytest


@pytest.fixture(autouse=True)
def in_a_directory_of_its_own(tmp_path, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("MINIDL_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    # Looking through the machine's fonts takes matplotlib seconds: once is enough.
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path_factory.getbasetemp() / "matplotlib"))


@pytest.fixture(autouse=True)
def quick_pictures(request, monkeypatch):
    """Drawing takes nine tenths of a short command's time: only where pictures are tested, they are drawn."""
    if request.path.stem not in ("test_pictures", "test_show"):
        draw = "matplotlib.figure.Figure.savefig"
        monkeypatch.setattr(draw, lambda _, file, **options: file.write(b"drawn"))
