// `tsc --noEmit`, and in the same pass what the compiler does not say: a promise that nobody waits for.
// The linter's own rule does not see promises that come from another package (measured with Biome 2.6: log.append() and
// pool.query() passed), and a lost append is exactly what must not happen here.
import { dirname, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

/**
 * One line a finding; empty when all is well.
 * @param {string} configFile path of a tsconfig.json
 */
export function checkTypes(configFile) {
  const read = ts.readConfigFile(configFile, ts.sys.readFile);
  const root = dirname(configFile);
  const parsed = ts.parseJsonConfigFileContent(read.config ?? {}, ts.sys, root);
  const program = ts.createProgram(parsed.fileNames, parsed.options);
  const checker = program.getTypeChecker();
  const errors = [...(read.error ? [read.error] : []), ...parsed.errors, ...ts.getPreEmitDiagnostics(program)];
  const findings = errors.map((error) => {
    const text = ts.flattenDiagnosticMessageText(error.messageText, '\n  ');
    return `${error.file ? place(root, error.file, error.start ?? 0) : configFile} ${text} (TS${error.code})`;
  });
  for (const file of program.getSourceFiles()) {
    if (file.isDeclarationFile || file.fileName.includes('/node_modules/')) continue;
    for (const start of floatingPromises(file, checker)) {
      findings.push(
        `${place(root, file, start)} a promise that nobody waits for: await it, handle its failure, or say void`,
      );
    }
  }
  return findings;
}

function place(root, file, start) {
  const { line, character } = file.getLineAndCharacterOfPosition(start);
  return `${relative(root, file.fileName)}:${line + 1}:${character + 1}`;
}

function floatingPromises(file, checker) {
  const starts = [];
  const visit = (node) => {
    if (ts.isExpressionStatement(node) && isFloating(node.expression, checker)) starts.push(node.getStart(file));
    ts.forEachChild(node, visit);
  };
  visit(file);
  return starts;
}

function isFloating(expression, checker) {
  if (ts.isParenthesizedExpression(expression)) return isFloating(expression.expression, checker);
  if (ts.isBinaryExpression(expression)) {
    // An assignment keeps the promise; `a && b()` and `a, b()` drop b's.
    return !ts.isAssignmentOperator(expression.operatorToken.kind) && isFloating(expression.right, checker);
  }
  if (ts.isConditionalExpression(expression)) {
    return isFloating(expression.whenTrue, checker) || isFloating(expression.whenFalse, checker);
  }
  if (ts.isVoidExpression(expression) || !isPromise(checker.getTypeAtLocation(expression))) return false;
  return !isHandled(expression, checker);
}

/** `p.catch(f)` and `p.then(f, g)` take the failure; `p.finally(f)` passes it on. */
function isHandled(expression, checker) {
  if (!ts.isCallExpression(expression) || !ts.isPropertyAccessExpression(expression.expression)) return false;
  const method = expression.expression.name.text;
  if (method === 'catch') return expression.arguments.length > 0;
  if (method === 'then') return expression.arguments.length > 1;
  return method === 'finally' && !isFloating(expression.expression.expression, checker);
}

function isPromise(type) {
  if (type.isUnionOrIntersection()) return type.types.some(isPromise);
  const symbol = type.getSymbol();
  return symbol?.name === 'Promise' || (type.isClassOrInterface() && (type.getBaseTypes() ?? []).some(isPromise));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const findings = checkTypes('tsconfig.json');
  for (const finding of findings) console.error(finding);
  process.exitCode = findings.length > 0 ? 1 : 0;
}
