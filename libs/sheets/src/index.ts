export { type Cell, csvFile } from './csv.js';
