-- Why a generation stands still, for whoever waits for it without access to the projector's log.
ALTER TABLE projection_generation ADD COLUMN trouble text;
GRANT UPDATE (trouble) ON projection_generation TO foldline_projector;

COMMENT ON COLUMN projection_generation.trouble IS 'Why its projector does not get on, as the instance says that reported last; null if it does';
SELECT open_to_analysts('projection_generation');
