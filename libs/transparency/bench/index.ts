export { treeRows } from './rows.js';
