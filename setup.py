"""Names the folders of the top level as packages of samescore; everything else is in pyproject.toml."""

from setuptools import find_packages, setup

FOLDERS = ("harness", "suites", "fixtures", "trainers", "reports")

setup(
    packages=[f"samescore.{name}" for folder in FOLDERS for name in find_packages(include=[folder, f"{folder}.*"])],
    package_dir={f"samescore.{folder}": folder for folder in FOLDERS},
    py_modules=["samescore_pytest"],
)
