# STACK=native|docker: where the servers run; by default in containers if a Docker engine answers.
# PROFILE=dev|release: which build the native stack runs.
export STACK PROFILE

.PHONY: help up down reset status logs demo test faults bench starts reads sqlx schemas rename

help: ## say what there is
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

up: ## build and start everything, and wait until it answers
	@deploy/stack up

down: ## stop everything; the data stays
	@deploy/stack down

reset: ## stop everything and wipe the data
	@deploy/stack reset

status: ## what runs, and on which port
	@deploy/stack status

logs: ## follow the logs
	@deploy/stack logs

demo: ## start everything and follow one order all the way
	@deploy/demo

test: ## every check and test, on a stack of their own
	@.ci/test

sqlx: ## renew the committed query data in .sqlx
	@.ci/sqlx renew

faults: ## break everything for FAULTS_MINUTES (5) a side and check every answer
	@.ci/faults

bench: ## measure what the README says of commands
	@.ci/bench commands

starts: ## measure starts and memory with a million orders
	@.ci/bench start

reads: ## measure the read side, and its rebuild with ten million events
	@.ci/bench read

schemas: ## publish new schema files in schemas/schemas.lock
	@UPDATE_SCHEMAS_LOCK=1 cargo test --package event-log --test schemas

rename: ## give the project another name: make rename PROJECT=name
	@deploy/rename "$(PROJECT)"
