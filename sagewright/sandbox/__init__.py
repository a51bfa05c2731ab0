"""Why: an embedded AWS that rejects what AWS rejects, fed only by the artifacts that AWS itself would get."""

from functools import cache

import botocore.session

# Every session would read for itself what botocore knows of AWS. moto makes three while it is imported, so it is here.
setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))  # noqa: B010 - botocore's own function
