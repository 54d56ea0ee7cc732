"""The engines that recognise text; each is a class behind the Protocol `protocol.Backend`.

Others add theirs from outside, as an entry point of the group `quire.ocr_backends`.
"""
