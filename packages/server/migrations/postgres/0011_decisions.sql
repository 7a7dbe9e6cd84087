-- The backend's own name of an action, and a hash over what it asked for by that name.
ALTER TABLE actions ADD COLUMN reference text COLLATE "C";
ALTER TABLE actions ADD COLUMN asked_hash text COLLATE "C";
-- What the person is shown, and what the backend told of the action (JSON).
ALTER TABLE actions ADD COLUMN intent text COLLATE "C";
ALTER TABLE actions ADD COLUMN attributes text COLLATE "C" NOT NULL DEFAULT '{}';
-- What has to be proven, and what was proven so far (JSON).
ALTER TABLE actions ADD COLUMN demands text COLLATE "C" NOT NULL DEFAULT '[]';
ALTER TABLE actions ADD COLUMN proofs text COLLATE "C" NOT NULL DEFAULT '[]';
-- Whether all rules were judged: those that have to know who is there wait for the first proof.
ALTER TABLE actions ADD COLUMN is_judged integer NOT NULL DEFAULT 1;
ALTER TABLE actions ADD COLUMN opens_session integer NOT NULL DEFAULT 1;
-- What the rules said, with the signals that they were given (JSON).
ALTER TABLE actions ADD COLUMN decision text COLLATE "C" NOT NULL DEFAULT 'null';
CREATE UNIQUE INDEX actions_reference ON actions (reference, environment_id) WHERE reference IS NOT NULL;
