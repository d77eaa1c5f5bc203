# STACK=native|docker: where the stack runs; by default in containers if a Docker engine answers.
# PROFILE=dev|release: which build the native stack runs.
export STACK PROFILE

.PHONY: help up down reset status logs demo test deny faults bench bench-peers starts reads generate sqlx schemas new-context remove-context remove-example rename

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## build and start everything, and wait until it is ready
	@deploy/stack up

down: ## stop everything and keep the data
	@deploy/stack down

reset: ## stop everything and delete the data
	@deploy/stack reset

status: ## show what runs, and on which port
	@deploy/stack status

logs: ## follow the logs
	@deploy/stack logs

demo: ## start everything and follow one order from command to read model
	@deploy/demo

test: ## run every check and test, on a separate stack
	@.ci/test

deny: ## check dependencies: licences, sources, duplicates, advisories (cargo-deny)
	@cargo deny --locked check

generate: ## update the files generated from deploy/services.list
	@deploy/generate

sqlx: ## update the committed query data, in the folder .sqlx of each crate
	@.ci/sqlx

faults: ## inject faults for FAULTS_MINUTES (5) each and check every answer
	@.ci/faults

bench: ## measure commands, each figure beside its target and its limit
	@.ci/bench commands

bench-peers: ## compare commands with an order service on cqrs-es and postgres-es
	@.ci/bench peers

starts: ## measure start-up and memory with a million orders
	@.ci/bench start

reads: ## measure the read side, and a rebuild with ten million events
	@.ci/bench read

schemas: ## add new schema files to schemas/schemas.lock
	@UPDATE_SCHEMAS_LOCK=1 cargo test --package event-log --test schemas

new-context: ## write a small context: make new-context NAME=bookings AGGREGATE=Booking
	@cargo run --quiet --package scaffold -- new "$(NAME)" "$(AGGREGATE)"

remove-context: ## remove a context: make remove-context NAME=bookings
	@cargo run --quiet --package scaffold -- remove "$(NAME)"

remove-example: ## remove the example, and leave an empty platform
	@deploy/remove-example

rename: ## give the project another name: make rename PROJECT=name
	@deploy/rename "$(PROJECT)"
