-- What the identity provider of a user knows it by, which never is somebody else's: names are given away again.
ALTER TABLE users ADD COLUMN subject TEXT COLLATE "C";
