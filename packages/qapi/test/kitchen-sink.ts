/** A schema with one of everything that generated code and introspection treat differently. */
export const kitchenSink = `
{ 'pragma': { 'command-returns-exceptions': [ 'peek' ], 'documentation-exceptions': [ 'RunState', 'StatusInfo' ] } }

##
# @RunState:
#
# What the machine does.
#
# @running: the guest runs
#
# @paused: the guest was stopped with @stop
#
# Features:
#
# @unstable: Value @ghost is not seen by everybody.
#
# Since: 1.0
##
{ 'enum': 'RunState',
  'data': [ 'running', 'paused', { 'name': 'ghost', 'if': 'CONFIG_GHOST', 'features': [ 'unstable' ] } ] }

##
# @StatusInfo:
#
# How the machine is.  See also :ref:\`states\` and \`\`info status\`\`.
#
# @status: its run state
#
# @uptime: nanoseconds since it runs
#
# @cpus: identifiers of CPUs
#
# @ghosts: how many were seen
#
# Features:
#
# @deprecated: Member @ghosts has no use.
##
{ 'struct': 'StatusInfo',
  'data': { 'status': 'RunState', 'uptime': 'uint64', '*cpus': ['uint8'],
            '*ghosts': { 'type': 'int32', 'if': 'CONFIG_GHOST', 'features': [ 'deprecated' ] },
            'walls': { 'type': 'bool', 'if': { 'all': [ 'CONFIG_GHOST', { 'not': 'CONFIG_WALLS' } ] } } } }

{ 'enum': 'NodeKind', 'data': [ 'file', 'filter', 'nothing' ] }
{ 'struct': 'FileNode', 'data': { 'filename': 'str', '*direct': 'bool' } }
{ 'struct': 'FilterNode', 'data': { 'below': 'NodeRef' } }
{ 'union': 'Node',
  'base': { 'kind': 'NodeKind', 'id': 'str' },
  'discriminator': 'kind',
  'data': { 'file': 'FileNode', 'filter': 'FilterNode' } }
{ 'alternate': 'NodeRef', 'data': { 'node': 'Node', 'name': 'str', 'none': 'null' } }

{ 'struct': 'Picture', 'base': 'FileNode', 'data': { 'scale': 'number', 'meta': 'any' } }

##
# @query-status:
#
# Tell how the machine is.
#
# Returns: the status
#
# Errors:
#     - If it is not there, GenericError
#
# Since: 1.0
#
# .. qmp-example::
#     :title: A look
#
#     -> { "execute": "query-status" }
#     <- { "return": { "status": "running", "uptime": 7 } }
##
{ 'command': 'query-status', 'returns': 'StatusInfo', 'allow-preconfig': true }
{ 'command': 'add-node', 'data': 'Node', 'boxed': true, 'returns': 'Node' }

##
# @set-state:
#
# Change the run state.
#
# @state: the state to go to
#
# @delay: milliseconds until then
##
{ 'command': 'set-state', 'data': { 'state': 'RunState', '*delay': 'uint32' } }
{ 'command': 'yank', 'data': { '*force': 'bool' }, 'allow-oob': true, 'features': [ 'deprecated', 'loud' ] }
{ 'command': 'vanish', 'success-response': false }
{ 'command': 'plug', 'data': { 'driver': 'str' }, 'gen': false }
{ 'command': 'peek', 'returns': [ 'int16' ], 'if': 'CONFIG_GHOST' }
{ 'command': 'query-nodes', 'returns': [ 'Node' ] }
{ 'command': 'query-pictures', 'data': { 'numbers': [ 'size' ] }, 'returns': [ 'Picture' ] }

{ 'event': 'STATUS_CHANGE', 'data': { 'status': 'RunState' } }
{ 'event': 'VANISHED', 'features': [ 'unstable' ] }
`;
