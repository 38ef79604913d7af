"""What the HTML pages of eideploy have in common: one look, one skeleton, pictures inside the file.

A page is one file that needs no network and no other file.
"""

from eideploy.page.render import render

__all__ = ["render"]
