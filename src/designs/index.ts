/** Designs of shared page tables: each a folder of its own, which plugs into the seams of mm. */
export type { Design, VmOps } from '../mm/design/design.ts';
export * from './hgm/index.ts';
export { identicalTables, type TableCounts } from './identical/identical_tables.ts';
export { bindDevice, deviceLoad, deviceStore, IOMMU, iommu } from './iommu/index.ts';
export * from './kvm/index.ts';
export * from './mshare/index.ts';
export * from './on_demand_fork/index.ts';
export * from './pfnmap/index.ts';
export * from './shared_2006/index.ts';
