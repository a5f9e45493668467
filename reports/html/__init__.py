"""The report as one self-contained HTML file: see `page.html_of`."""

from samescore.reports.html.page import html_of

__all__ = ["html_of"]
