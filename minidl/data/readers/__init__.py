"""Readers of the formats that data sets come in: each knows one, checks it, and gives arrays or data sets.

None of them runs code from a file, extracts an archive to a path, or believes the sizes a header claims.
They are imported where `minidl.data.load` needs them.
"""
