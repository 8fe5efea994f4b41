/**
 * Arguments of the Linux kernel that change speed: IOMMU, mitigations, isolated cores, huge pages,
 * sleep states, clocks, PCIe, and options of GPU drivers. The names are those of the kernel's
 * `admin-guide/kernel-parameters`.
 */
const speedArguments = new RegExp(
  `^(?:${[
    // Mitigations of flaws of processors.
    'mitigations|nospectre_v[12]|spectre_v2(_user)?|spec_store_bypass_disable|spec_rstack_overflow|nospec_store_bypass_disable',
    'pti|nopti|kpti|mds|l1tf|tsx|tsx_async_abort|srbds|mmio_stale_data|retbleed|gather_data_sampling|reg_file_data_sampling|indirect_target_selection|kvm\\.nx_huge_pages|kvm-intel\\.vmentry_l1d_flush',
    // Where devices may write, and how they are reached.
    'iommu(\\..+)?|intel_iommu|amd_iommu|swiotlb|pci|pcie_aspm(\\.policy)?|pcie_ports|pcie_port_pm|vfio-pci\\.disable_idle_d3',
    // Which cores do what.
    'isolcpus|nohz|nohz_full|rcu_nocbs|rcu_nocb_poll|irqaffinity|nosmt|maxcpus|nr_cpus|threadirqs|preempt|skew_tick|nowatchdog|nmi_watchdog|nosoftlockup|numa|numa_balancing|sched_.+',
    // Clocks and sleep.
    'intel_pstate|amd_pstate(\\..+)?|cpufreq\\..+|cpuidle\\..+|processor\\..+|intel_idle\\..+|idle|clocksource|tsc|hpet',
    // Memory.
    'transparent_hugepage|hugepages|hugepagesz|default_hugepagesz|hugetlb_cma|mem|crashkernel|init_on_alloc|init_on_free|page_poison|zswap\\..+|cgroup_disable|cma',
    // Drivers of GPUs.
    '(amdgpu|amdttm|nvidia|nvidia_uvm|nvidia-drm|nouveau|i915|xe|ttm)\\..+',
  ].join('|')})$`,
)

/** Words, numbers and lists: no path, no address, no UUID. */
const plainValue = /^[\w.,:;+@-]{0,80}$/
const uuid = /[\da-f]{8}-[\da-f]{4}-/i

/**
 * Of a kernel's command line, the arguments that change speed, in their order. All others are left
 * out, as they name disks, hosts and keys; so is all after ` -- `, which is for the first process.
 */
export function kernelArguments(commandLine: string): string[] {
  const [own = ''] = commandLine.trim().split(/\s--(?:\s|$)/)
  return own.split(/\s+/).filter((argument) => {
    const [, name = '', value = ''] = /^([^=]+)=?(.*)$/.exec(argument) ?? []
    // The kernel takes either sign in names.
    const known = speedArguments.test(name) || speedArguments.test(name.replaceAll('-', '_'))
    return known && plainValue.test(value) && !uuid.test(value)
  })
}
