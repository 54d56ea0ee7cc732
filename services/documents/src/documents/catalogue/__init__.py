"""Categories, suppliers and tags: what users sort their documents by."""
