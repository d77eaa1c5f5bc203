-- Each projection's tables exist in generations. One of them is live: its tables are in the schema `public`, which queries
-- read. The others are in schemas of their own, `<projection>_g<generation>`: one that is being built from the first
-- event, or the one that was live before.
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
-- At most one of each kind, so two rebuilds of a projection cannot run side by side.
CREATE UNIQUE INDEX projection_generation_by_state ON projection_generation (projection, state);

COMMENT ON TABLE projection_version IS 'Every version of a projection that has run here; a projector adds its own when it starts';
COMMENT ON COLUMN projection_version.projection IS 'The projection''s name';
COMMENT ON COLUMN projection_version.version IS 'Its version; tables filled by another version must be rebuilt';
COMMENT ON COLUMN projection_version.tables IS 'The tables that belong to it';
COMMENT ON COLUMN projection_version.topics IS 'The topics it reads';
COMMENT ON COLUMN projection_version.registered_at IS 'When it first ran here';
COMMENT ON TABLE projection_generation IS 'The generations of each projection''s tables';
COMMENT ON COLUMN projection_generation.projection IS 'The projection''s name';
COMMENT ON COLUMN projection_generation.generation IS '1, 2, 3 in the order in which they were begun';
COMMENT ON COLUMN projection_generation.version IS 'The version of the projection that fills it';
COMMENT ON COLUMN projection_generation.state IS 'live: queries read it; building: to become live; standby: was live, and can be again';
COMMENT ON COLUMN projection_generation.paused IS 'Whether projectors leave it alone for now';
COMMENT ON COLUMN projection_generation.rate_limit IS 'The most events per second that each projector applies to it; null: no limit';
COMMENT ON COLUMN projection_generation.begun_at IS 'When it was begun';
COMMENT ON COLUMN projection_generation.promoted_at IS 'When it last became live';
