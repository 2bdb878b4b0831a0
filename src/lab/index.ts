/** What commands, the demo and the tests use of the lab. */
export { benchLab, type LabBench } from './bench.ts';
export { testLab } from './connectivity.ts';
export { labDown, type Removed } from './down.ts';
export { execOn } from './exec.ts';
export { type Lab, type LabNode, type LabSpec, labsDir, listLabs, nodeOf, readLab } from './lab.ts';
export { inNamespace, mustRun, nodeEnvironment, onNode, type Ran, runOn } from './node.ts';
export { labStatus, type NodeStatus, type PartState, subnetOf } from './status.ts';
export { bootstrap, configure, labUp, type Progress } from './up.ts';
