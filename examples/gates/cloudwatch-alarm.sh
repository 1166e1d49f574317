#!/bin/sh
# A gate that is red unless a CloudWatch alarm is in the state OK. The argument is the name of the alarm.
# It needs cloudwatch:DescribeAlarms:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
#
#     v2token apply --gate 'sh examples/gates/cloudwatch-alarm.sh logins-failing'
set -eu
state=$(aws cloudwatch describe-alarms --alarm-names "$1" --query 'MetricAlarms[0].StateValue' --output text)
echo "after wave $GATE_WAVE of $GATE_WAVES, the alarm $1 is $state"
test "$state" = OK
