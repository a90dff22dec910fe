-- What handlers were told of when its silence was over: asked for by when that was.
CREATE INDEX silenced_told ON silenced (handler, looked) WHERE told = 1;
