-- Each projection's tables exist in generations. One is live: its tables are in the schema `public`, where queries look.
-- Others are beside it in a schema of their own, `<projection>_g<generation>`: one that is being built from the first
-- event, or the one that was live before. Every database of a read model has these tables.
CREATE TABLE projection_version (
    projection    text        NOT NULL,
    version       integer     NOT NULL CHECK (version > 0),
    tables        text[]      NOT NULL,
    topics        text[]      NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, version)
);

CREATE TABLE projection_generation (
    projection  text        NOT NULL,
    generation  integer     NOT NULL CHECK (generation > 0),
    version     integer     NOT NULL CHECK (version > 0),
    state       text        NOT NULL CHECK (state IN ('live', 'building', 'standby')),
    paused      boolean     NOT NULL DEFAULT false,
    rate_limit  integer     CHECK (rate_limit > 0),
    begun_at    timestamptz NOT NULL DEFAULT now(),
    promoted_at timestamptz,
    PRIMARY KEY (projection, generation)
);
-- One of each kind at most: a second rebuild meets this, whoever begins it.
CREATE UNIQUE INDEX projection_generation_by_state ON projection_generation (projection, state);

-- What was there before is the first generation.
INSERT INTO projection_version (projection, version, tables, topics)
SELECT projection, 1, '{}', array_agg(DISTINCT topic) FROM checkpoint GROUP BY projection;
INSERT INTO projection_generation (projection, generation, version, state, promoted_at)
SELECT DISTINCT projection, 1, 1, 'live', now() FROM checkpoint;

ALTER TABLE checkpoint ADD COLUMN generation integer NOT NULL DEFAULT 1 CHECK (generation > 0);
ALTER TABLE checkpoint DROP CONSTRAINT checkpoint_pkey;
ALTER TABLE checkpoint ADD PRIMARY KEY (projection, generation, topic, partition);

COMMENT ON TABLE projection_version IS 'Every version of a projection that has run here; a projector says so when it starts';
COMMENT ON COLUMN projection_version.projection IS 'The projection''s name';
COMMENT ON COLUMN projection_version.version IS 'Its version; tables of another one cannot be continued';
COMMENT ON COLUMN projection_version.tables IS 'The tables that belong to it';
COMMENT ON COLUMN projection_version.topics IS 'The topics that it reads';
COMMENT ON COLUMN projection_version.registered_at IS 'When it first ran here';
COMMENT ON TABLE projection_generation IS 'The generations of each projection''s tables that exist';
COMMENT ON COLUMN projection_generation.projection IS 'The projection''s name';
COMMENT ON COLUMN projection_generation.generation IS '1, 2, 3 in the order in which they were begun';
COMMENT ON COLUMN projection_generation.version IS 'The projection''s version that fills it';
COMMENT ON COLUMN projection_generation.state IS 'live: queries see it; building: it is to become live; standby: it was live, and can be again';
COMMENT ON COLUMN projection_generation.paused IS 'Whether projectors leave it where it is for now';
COMMENT ON COLUMN projection_generation.rate_limit IS 'The most events a second that each projector applies to it; no limit if null';
COMMENT ON COLUMN projection_generation.begun_at IS 'When it was begun';
COMMENT ON COLUMN projection_generation.promoted_at IS 'When it last became live';
COMMENT ON COLUMN checkpoint.generation IS 'The generation of the projection''s tables';
