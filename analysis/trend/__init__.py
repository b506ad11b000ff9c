"""Over time: control charts, intervals that hold however often one looks, and the proof that an action worked."""
