/** The commands of lablambda. */
export const COMMANDS = {
  open: 'lablambda:open',
  deployCell: 'lablambda:deploy-cell',
  deployAll: 'lablambda:deploy-all',
  invoke: 'lablambda:invoke',
  logs: 'lablambda:logs'
} as const;
